"""Try the backends on one batch, hold them against each other, take the cheapest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from condlab.curvature.evaluation._check import Seen
from condlab.curvature.evaluation.backends import (
    REVERSE,
    Backend,
    Batched,
    DoubleBackward,
    Ends,
    ForwardOverReverse,
    Kept,
    gradient_graph,
)
from condlab.curvature.evaluation.losses import Batch
from condlab.curvature.operators._large import bytes_of_first
from condlab.curvature.operators._point import Point

BACKENDS = ("auto", "retained", "rebuilt", "forward", "batched")
WIDTHS = (4, 32)  # vectors multiplied together in trials of the batched backend
QUICK = 0.05  # seconds of a trial after which the wider one is worth its time
TIMINGS = 3
CLEARLY = 0.8  # how much less another one must take to be preferred to a kept graph


@dataclass(frozen=True, slots=True)
class Timing:
    """One backend on the first batch: seconds a vector, or why it does not work."""

    name: str
    seconds: float
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The backends for one vector and for several, and the timings behind them.

    `noise` is by how much, in the units of H, their products were seen to be off.
    """

    vector: Backend
    matrix: Backend
    timings: tuple[Timing, ...]
    noise: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """The backends at a point."""

    point: Point

    def choose(self, wanted: str) -> Choice:
        """Return the cheapest backends that work and fit, or the one that is wanted."""
        loss, leaves, flat = self.point.loss, self.point.leaves, self.point.flat
        memory, large = self.point.memory, self.point.data.share < 1
        sizes = graph_sizes(self.point, partial(gradient_graph, loss, leaves))
        half = memory if large else memory / 2  # of two kinds of graphs, or of one
        share = {"auto": half, "rebuilt": 0.0}.get(wanted, memory)
        tight = sum(sizes) > share  # then what is compared is the rebuilding
        double = Kept[Ends](0 if tight else share, sizes)
        pulled = Kept[Callable](0 if tight else share, sizes)
        widest = max(1, int(memory / 2 / max(1, *sizes)))
        retained = DoubleBackward(loss, leaves, double)
        batched = Batched(loss, leaves, flat, pulled, widest)
        forward = [ForwardOverReverse(loss, leaves, flat, r) for r in REVERSE]
        kinds: dict[str, Sequence[Backend]] = {
            "forward": forward,
            "batched": [batched],
        }
        if wanted == "auto" and large:  # work enough without other vectors' beside it
            del kinds["batched"]
        asked = [kinds[k] for k in kinds if wanted in ("auto", k)]
        tried = [self._first_that_works(k) for k in ([retained], *asked)]
        choice = _cheapest(tried) if wanted == "auto" else _only(tried[-1], tried)
        pulled.budget = share
        double.budget = share
        if wanted == "auto" and choice.matrix is not batched:
            double.budget = memory
        return choice

    def _first_that_works(self, backends: Sequence[Backend]) -> _Tried:
        refused = []
        for backend in backends:
            try:
                tried = self.try_out(backend)
            except (RuntimeError, NotImplementedError) as error:  # torch has no rule
                reason = str(error).strip().split("\n")[0]
                refused.append(_refused(backend, reason))
                continue
            if tried.works:
                return tried
            refused.append(tried)
        reasons = dict.fromkeys(one.timing.refused for one in refused)
        return _refused(backends[0], "; ".join(reasons))

    def try_out(self, backend: Backend) -> _Tried:
        """Multiply with the probes, hold that against differences, time a product."""
        product, seconds = self._probed(backend)
        seen = self.judge(product)
        if seen.refused:
            return _refused(backend, seen.refused)
        if isinstance(backend, Batched):
            seconds = self._seconds_together(backend)
        elif seconds < QUICK:  # else it was long enough to be a trial
            seconds = self._seconds(backend, self.point.check.rows[:1])
        return _Tried(Timing(backend.name, seconds), backend, seen.gap)

    def _probed(self, backend: Backend) -> tuple[Tensor, float]:
        """Return products with the probes, and the time of the last.

        The first also builds what is kept.
        """
        (i, batch), rows = self.point.data.sample, self.point.check.rows
        if isinstance(backend, Batched):
            return backend.product(i, batch, rows), math.inf
        first, last = backend.product(i, batch, rows[:1]), []
        seconds = _timed(
            lambda: last.append(backend.product(i, batch, rows[1:])), rows.device
        )
        return torch.cat([first, *last]), seconds

    def _seconds_together(self, backend: Backend) -> float:
        """Return the time of a vector among several."""
        best = math.inf
        for width in WIDTHS:
            many = self.point.check.rows[:1].repeat(width, 1)
            seconds = self._seconds(backend, many)
            best = min(best, seconds / width)
            if seconds > QUICK:
                break
        return best

    def judge(self, product: Tensor) -> Seen:
        """Return how far products with the probes are off, in the Frobenius norm of H.

        The entries of a probe are standard normal, so that the square of E v has the
        mean |E|_F^2.
        """
        seen = self.point.check.of_gradient(product[0])
        return seen if seen.refused else symmetric(self.point, product, seen.gap)

    def _seconds(self, backend: Backend, rows: Tensor) -> float:
        """Return the time of a run; on the CPU the process's own: load spares it."""
        run, best = partial(backend.product, *self.point.data.sample, rows), math.inf
        for _ in range(TIMINGS):
            best = min(best, _timed(run, self.point.flat.device))
            if best > QUICK:  # what takes long varies little
                break
        return best


def symmetric(point: Point, product: Tensor, gap: float = 0.0) -> Seen:
    """Return how far products with the probes are off those of a symmetric matrix."""
    rows, eps = point.check.rows, torch.finfo(point.flat.dtype).eps
    off = abs(float(rows[0] @ product[1] - rows[1] @ product[0]))
    size = float(product.norm()) + 2 * point.check.floor
    gap = max(gap, off / float(rows[0].norm()))
    if off <= 10 * eps**0.5 * size * float(rows.norm()):
        return Seen(gap)
    return Seen(gap, f"the matrix is symmetric, but u'Hv and v'Hu differ by {off:.1e}")


def only(
    point: Point, backend: Backend, judge: Callable[[Tensor], Seen] | None = None
) -> Choice:
    """Return a backend as the one choice, once its products are symmetric.

    ``judge(product)`` says what else is seen of a product with the first probe.
    """
    i, batch = point.data.sample
    product = backend.product(i, batch, point.check.rows)
    seen = Seen(0.0) if judge is None else judge(product[0])
    if not seen.refused:
        seen = symmetric(point, product, seen.gap)
    if seen.refused:
        raise ValueError(f"{backend.name} does not work for this loss: {seen.refused}")
    seconds = Candidates(point)._seconds(backend, point.check.rows[:1])
    return Choice(backend, backend, (Timing(backend.name, seconds),), seen.gap)


def graph_sizes(point: Point, build: Callable[[Batch], object]) -> list[float]:
    """Return the bytes of each batch's graph, from what is tried by their sizes."""
    sizes, first = point.data.sizes, bytes_of_first(point.data, build, point.leaves)
    return [first * size / max(1, sizes[0]) for size in sizes]


@dataclass(frozen=True, slots=True)
class _Tried:
    timing: Timing
    backend: Backend
    gap: float = 0.0

    @property
    def works(self) -> bool:
        return math.isfinite(self.timing.seconds)


def _refused(backend: Backend, why: str) -> _Tried:
    return _Tried(Timing(backend.name, math.inf, why), backend)


def _cheapest(tried: list[_Tried]) -> Choice:
    """Return the cheapest of those that are left, a kept graph unless clearly so."""
    left = [one for one in tried if one.works]
    if not left:
        reasons = "; ".join(f"{t.timing.name}: {t.timing.refused}" for t in tried)
        raise ValueError(f"torch cannot differentiate this loss twice: {reasons}")
    single = [one for one in left if not isinstance(one.backend, Batched)] or left
    vector = single[0]
    for one in single[1:]:
        if one.timing.seconds < CLEARLY * vector.timing.seconds:
            vector = one
    matrix = min((vector, *left), key=lambda one: one.timing.seconds)
    matrix = matrix if isinstance(matrix.backend, Batched) else vector
    timings = tuple(one.timing for one in tried)
    gap = max(vector.gap, matrix.gap)
    return Choice(vector.backend, matrix.backend, timings, gap)


def _only(one: _Tried, tried: list[_Tried]) -> Choice:
    if not one.works:
        raise ValueError(
            f"backend {one.timing.name!r} does not work for this loss: "
            f'{one.timing.refused}; use backend="auto"'
        )
    return Choice(one.backend, one.backend, tuple(t.timing for t in tried), one.gap)


def _timed(run: Callable[[], object], device: torch.device) -> float:
    if device.type != "cuda":
        start = time.process_time()
        run()
        return time.process_time() - start
    torch.cuda.synchronize(device)
    start = time.perf_counter()
    run()
    torch.cuda.synchronize(device)
    return time.perf_counter() - start
