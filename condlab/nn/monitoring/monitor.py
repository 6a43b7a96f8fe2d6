"""Watch the conditioning of a network while it trains, in any loop."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypedDict

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from condlab.nn.layout import Kinds
from condlab.nn.measures.sharpness import Loss, largest_singular_value, sharpness
from condlab.nn.measures.spectra import line_norms, measured
from condlab.nn.monitoring._sinks import Record, sink_of
from condlab.nn.states.tensors import matrices, source_of
from condlab.nn.table import chosen, spread

if TYPE_CHECKING:
    from lightning.pytorch import Callback
    from transformers import TrainerCallback

WHAT = ("kappa", "row_spread", "sigma_max", "lambda_max")


class MonitorState(TypedDict):
    """What a checkpoint holds of a monitor: its steps, and where Lanczos starts."""

    count: int
    vector: Tensor | None
    singular: dict[str, Tensor]


class Monitor:
    """Record how a network is conditioned, every so many steps of any training loop.

    Parameters
    ----------
    module : torch.nn.Module
        The network; a wrapper of DistributedDataParallel is looked through.
    every : int
        Steps between records.
    what : iterable of {"kappa", "row_spread", "sigma_max", "lambda_max"}
        κ₂, the longest row over the shortest and σ_1 of each weight matrix, as
        `layer_table` sees them; and the largest eigenvalue of the Hessian of `loss`.
    sinks : iterable
        Each a path to ``.csv`` (step, what, value) or ``.jsonl``, a function of a
        record, a TensorBoard writer or a W&B run.
    loss : callable, optional
        Of the module, to a scalar: of "lambda_max", best of a small fixed batch.
    optimizer : torch.optim.Optimizer, optional
        Whose largest learning rate η gives 2/η beside "lambda_max".
    layers : str or iterable of str
        Glob patterns of names of tensors.
    kinds : mapping of classes, optional
        As of `layer_table`.
    num_matvecs : int
        Products with the Hessian at most, each time.
    rtol : float
        The residual of "lambda_max", over it, at which they end. The error is about its
        square, where the next eigenvalue is not near.
    differences : bool
        Take differences of gradients for products: some times faster, good to about
        the root of the rounding unit, and blind to what lies within a kink.

    Notes
    -----
    The training run is not disturbed: weights, gradients, buffers and the random state
    stay as they are. Where several processes train, only that of rank 0 watches. A
    sink that fails is warned of and called again next time. Lanczos's method starts
    from the last eigenvector, at first from the gradient, so that one product or two
    do; "lambda_max" is a Ritz value, with its residual, and no bound from above.
    "sigma_max" without "kappa" is found so too, from below, and costs a small part of a
    decomposition.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(2, 2, bias=False))
    >>> _ = net[0].weight.data.copy_(torch.tensor([[3.0, 0.0], [0.0, 0.5]]))
    >>> monitor = Monitor(net, every=2, what=["kappa"], sinks=[print])
    >>> for step in range(3):  # of training
    ...     _ = monitor.step()
    {'step': 2, 'kappa/0.weight': 6.0}
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        every: int = 100,
        what: Iterable[str] = ("kappa", "row_spread"),
        sinks: Iterable[object] = (),
        loss: Loss | None = None,
        optimizer: Optimizer | None = None,
        layers: str | Iterable[str] = "*",
        kinds: Kinds | None = None,
        num_matvecs: int = 8,
        rtol: float = 0.05,
        differences: bool = False,
    ) -> None:
        self.module = _unwrapped(module)
        self.every, self.what = every, tuple(what)
        _require(every, self.what, loss, num_matvecs)
        self.sinks = tuple(map(sink_of, sinks))
        self.loss, self.optimizer = loss, optimizer
        self.layers = (layers,) if isinstance(layers, str) else tuple(layers)
        self.kinds, self.num_matvecs, self.rtol = kinds, num_matvecs, rtol
        self.differences = differences
        self.count = 0
        self._vector: Tensor | None = None
        self._singular: dict[str, Tensor] = {}

    def step(self, step: int | None = None) -> Record | None:
        """Count a step, and record where it is due.

        Parameters
        ----------
        step : int, optional
            The number of steps made, of loops that count themselves; the same number
            again, as of accumulated gradients, is not recorded again.

        Returns
        -------
        dict or None
            The record: "step", and numbers by "what/layer".
        """
        before = self.count
        self.count = before + 1 if step is None else step
        if self.count == before or self.count % self.every or not _is_first():
            return None
        record = self.look()
        for sink in self.sinks:
            try:
                sink(record)
            except Exception as error:  # a full disk must not end a training run
                warnings.warn(
                    f"a sink of the monitor failed at step {self.count}: "
                    f"{type(error).__name__}: {error}",
                    stacklevel=2,
                )
        return record

    def look(self) -> dict[str, float]:
        """Return a record of this moment, whether it is due or not."""
        record: dict[str, float] = {"step": self.count}
        if set(self.what) - {"lambda_max"}:
            record |= self._layers()
        if "lambda_max" in self.what:
            record |= self._sharpness()
        return record

    @torch.no_grad()
    def _layers(self) -> dict[str, float]:
        source = source_of(self.module, self.kinds)
        found: dict[str, float] = {}
        for plan in source.plans:
            if not chosen(plan.name, self.layers):
                continue
            for name, A in matrices(plan, source.read(plan.name).cpu()):
                found |= {f"{q}/{name}": x for q, x in self._numbers(name, A).items()}
        return found

    def _numbers(self, name: str, A: Tensor) -> dict[str, float]:
        asked = [what for what in self.what if what != "lambda_max"]
        if not bool(torch.isfinite(A).all()):
            return dict.fromkeys(asked, math.nan)  # a diverged run is still a run
        found: dict[str, float] = {}
        if "kappa" in asked:
            seen = measured(A, scalings=False)
            found = {"kappa": seen.kappa.value, "sigma_max": float(seen.sigma[0])}
            found["row_spread"] = spread(seen.rows)
        else:
            if "sigma_max" in asked:
                found["sigma_max"] = self._sigma_max(name, A)
            if "row_spread" in asked:
                found["row_spread"] = spread(line_norms(A, 1))
        return {what: found[what] for what in asked}

    def _sigma_max(self, name: str, A: Tensor) -> float:
        found = largest_singular_value(
            A,
            start=self._singular.get(name),
            num_matvecs=self.num_matvecs,
            rtol=self.rtol,
            generator=torch.Generator().manual_seed(self.count),
        )
        self._singular[name] = found.onward
        return found.value

    def _sharpness(self) -> dict[str, float]:
        assert self.loss is not None
        rates = [g["lr"] for g in getattr(self.optimizer, "param_groups", ())]
        edge = {"two_over_lr": 2 / float(max(rates))} if rates and max(rates) else {}
        found = sharpness(
            self.module,
            self.loss,
            start=self._vector,
            num_matvecs=self.num_matvecs,
            rtol=self.rtol,
            generator=torch.Generator().manual_seed(self.count),
            differences=self.differences,
        )
        if math.isfinite(found.value):
            self._vector = found.onward
        return {
            "lambda_max": found.value,
            "lambda_max_residual": found.residual,
            "lambda_max_products": found.products,
            **edge,
        }

    def state_dict(self) -> MonitorState:
        """Return what a checkpoint of the training run should hold."""
        return {
            "count": self.count,
            "vector": self._vector,
            "singular": dict(self._singular),
        }

    def load_state_dict(self, state: MonitorState) -> None:
        """Go on from a checkpoint; files forget what was recorded after it."""
        self._vector, self._singular = state["vector"], dict(state["singular"])
        self.rewind(state["count"])

    def rewind(self, count: int) -> None:
        """Go on after so many steps; files forget what was recorded after them."""
        self.count = count
        if _is_first():
            for sink in self.sinks:
                sink.rewind(count)

    def for_hugging_face(self) -> TrainerCallback:
        """Return a callback for the Trainer of transformers, where it is installed."""
        from condlab.nn.monitoring._trainers import hugging_face

        return hugging_face(self)

    def for_lightning(self) -> Callback:
        """Return a callback for Lightning's Trainer, where that is installed."""
        from condlab.nn.monitoring._trainers import lightning

        return lightning(self)


def _require(
    every: int, what: tuple[str, ...], loss: Loss | None, num_matvecs: int
) -> None:
    if every < 1 or num_matvecs < 1:
        raise ValueError(
            f"every and num_matvecs must be at least 1, got {every} and {num_matvecs}"
        )
    if not what or set(what) - set(WHAT):
        raise ValueError(f"what must be some of {', '.join(WHAT)}, got {what}")
    if "lambda_max" in what and loss is None:
        raise ValueError(
            '"lambda_max" needs loss, a function of the module: '
            "lambda net: criterion(net(inputs), targets)"
        )


def _unwrapped(module: nn.Module) -> nn.Module:
    parallel = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    return module.module if isinstance(module, parallel) else module


def _is_first() -> bool:
    there = torch.distributed.is_available() and torch.distributed.is_initialized()
    return not there or torch.distributed.get_rank() == 0
