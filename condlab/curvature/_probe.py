"""Try the backends on one batch, hold them against each other, take the cheapest."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from condlab.curvature._parameters import Flat
from condlab.curvature._point import Point
from condlab.curvature.backends import (
    REVERSE,
    Backend,
    Batched,
    DoubleBackward,
    ForwardOverReverse,
    Kept,
    gradient_graph,
    graph_bytes,
)

BACKENDS = ("auto", "retained", "rebuilt", "forward", "batched")
WIDTHS = (4, 32)  # vectors multiplied together in trials of the batched backend
QUICK = 0.05  # seconds of a trial after which the wider one is worth its time
TIMINGS = 3
CLEARLY = 0.8  # how much less another one must take to be preferred to a kept graph


@dataclass(frozen=True, slots=True)
class Trial:
    """One backend on the first batch: seconds a vector, or why it does not work."""

    name: str
    seconds: float
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The backends for one vector and for several, and the trials behind them."""

    vector: Backend
    matrix: Backend
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The backends at a point."""

    point: Point

    def choose(self, wanted: str) -> Choice:
        """Return the cheapest backends that work and fit, or the one that is wanted."""
        loss, leaves, flat = self.point.loss, self.point.leaves, self.point.flat
        memory, first = self.point.memory, self.point.data.first
        sizes = graph_sizes(self.point, lambda: gradient_graph(loss, leaves, first))
        share = {"auto": memory / 2, "rebuilt": 0.0}.get(wanted, memory)
        tight = sum(sizes) > share  # then what is compared is the rebuilding
        double, pulled = (Kept(0 if tight else share, sizes) for _ in range(2))
        widest = max(1, int(memory / 2 / max(1, *sizes)))
        retained = DoubleBackward(loss, leaves, double)
        batched = Batched(loss, leaves, flat, pulled, widest)
        forward = [ForwardOverReverse(loss, leaves, flat, r) for r in REVERSE]
        tried = [self._first_that_works([retained])]
        if wanted in ("auto", "forward"):
            tried.append(self._first_that_works(forward))
        if wanted in ("auto", "batched"):
            tried.append(self._first_that_works([batched]))
        self.cross_check(tried)
        choice = _cheapest(tried) if wanted == "auto" else _only(tried[-1], tried)
        pulled.budget = share
        double.budget = share
        if wanted == "auto" and choice.matrix is not batched:
            double.budget = memory
        return choice

    def _first_that_works(self, backends: list[Any]) -> _Tried:
        reasons = []
        for backend in backends:
            try:
                return self.try_out(backend)
            except (RuntimeError, NotImplementedError) as error:  # torch has no rule
                reasons.append(str(error).strip().split("\n")[0])
        return _Tried(Trial(backends[0].name, float("inf"), reasons[0]), None, None)

    def try_out(self, backend: Backend) -> _Tried:
        """Multiply with the probes, and time a product."""
        batch, rows = self.point.data.first, probes(self.point.flat)
        product = backend.product(0, batch, rows)  # also builds what is kept
        best = float("inf")
        for width in WIDTHS if isinstance(backend, Batched) else (1,):
            many = rows[:1].repeat(width, 1)
            seconds = self._seconds(partial(backend.product, 0, batch, many))
            best = min(best, seconds / width)
            if seconds > QUICK:
                break
        return _Tried(Trial(backend.name, best), backend, product)

    def _seconds(self, run: Callable[[], Any]) -> float:
        """Return the time of a run; on the CPU the process's own: load spares it."""
        return min(_timed(run, self.point.flat.device) for _ in range(TIMINGS))

    def cross_check(self, tried: list[_Tried]) -> None:
        """Raise ValueError unless products are symmetric and the same by all."""
        rows, reference = probes(self.point.flat), tried[0].product
        if reference is None:
            raise ValueError(
                "torch cannot differentiate this loss twice: " + tried[0].trial.refused
            )
        size = float(reference.norm()) + self.point.noise * float(rows.norm())
        tolerance = 10 * torch.finfo(self.point.flat.dtype).eps ** 0.5 * size
        for one in tried:
            product = one.product
            if product is None:
                continue
            gap = abs(float(rows[0] @ product[1] - rows[1] @ product[0]))
            if gap > tolerance * float(rows.norm()):
                raise ValueError(
                    f"the matrix is symmetric, but by {one.trial.name} u'Hv and v'Hu "
                    f"differ by {gap:.1e}; is a custom derivative of the loss wrong?"
                )
            gap = float((product - reference).norm())
            if not gap <= tolerance:
                raise ValueError(
                    f"products by {one.trial.name} and {tried[0].trial.name} differ by "
                    f"{gap:.1e} of {float(reference.norm()):.1e}; if only one can be "
                    'right for this loss, name it, as backend="retained"'
                )


def only(point: Point, backend: Backend) -> Choice:
    """Return a backend as the one choice, once its products are symmetric."""
    candidates = Candidates(point)
    tried = candidates.try_out(backend)
    candidates.cross_check([tried])
    return Choice(backend, backend, (tried.trial,))


def graph_sizes(point: Point, build: Callable[[], Any]) -> list[float]:
    """Return the bytes of each batch's graph, from the first by their weights."""
    first, weights = float(graph_bytes(build, point.leaves)), point.data.weights
    if weights[0] == 0:
        return [first] * len(weights)
    return [first * w / weights[0] for w in weights]


@dataclass(frozen=True, slots=True)
class _Tried:
    trial: Trial
    backend: Any
    product: Tensor | None


def _cheapest(tried: list[_Tried]) -> Choice:
    double, forward, batched = tried
    vector = double
    if forward.trial.seconds < CLEARLY * double.trial.seconds:
        vector = forward
    matrix = batched if batched.trial.seconds < vector.trial.seconds else vector
    return Choice(vector.backend, matrix.backend, tuple(t.trial for t in tried))


def _only(one: _Tried, tried: list[_Tried]) -> Choice:
    if one.backend is None:
        raise ValueError(
            f"backend {one.trial.name!r} does not work for this loss: "
            f'{one.trial.refused}; use backend="auto"'
        )
    return Choice(one.backend, one.backend, tuple(t.trial for t in tried))


def probes(flat: Flat) -> Tensor:
    """Return two fixed random vectors, shape (2, n)."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(2, flat.size, generator=generator, dtype=torch.float64)
    return rows.to(flat.device, flat.dtype)


def _timed(run: Callable[[], Any], device: torch.device) -> float:
    if device.type != "cuda":
        start = time.process_time()
        run()
        return time.process_time() - start
    torch.cuda.synchronize(device)
    start = time.perf_counter()
    run()
    torch.cuda.synchronize(device)
    return time.perf_counter() - start
