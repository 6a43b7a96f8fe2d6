"""How a loss came to be one number: the means and sums that it was, read off torch.

Whoever calls one of torch's loss functions, be it a criterion, a lambda or a model that
computes its own loss, the call says what the mean is over: its entries, less the
ignored ones, each by its class's weight.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn._reduction import legacy_get_string
from torch.overrides import TorchFunctionMode

Arguments = dict[str, Any]  # of torch's functions by name: tensors, numbers and words


@dataclass(frozen=True, slots=True, eq=False)
class Reduction:
    """One mean or sum: what each entry counts, and in what it was called.

    Parameters
    ----------
    name : str
        The function's.
    counts : Tensor
        One an entry, float64; a mean is divided by their sum.
    summed : bool
        Whether it is a plain sum instead.
    inputs, target : Tensor or None
        What was scored, and against what, where it is a loss function.
    recount : callable or None
        The counts from another target.
    weight : Tensor or None
        Those of classes.
    empty : bool
        Whether what was divided by the count is 0, so that the count may be a floor,
        such as of ``mask.sum().clamp(min=1)``.
    scaled : bool
        Whether it was multiplied, perhaps by the reciprocal of a count.
    """

    name: str
    counts: Tensor
    summed: bool
    inputs: Tensor | None = None
    target: Tensor | None = None
    recount: Callable[[Tensor], Tensor] | None = None
    weight: Tensor | None = None
    empty: bool = False
    scaled: bool = False

    @property
    def total(self) -> float:
        """Return what the mean is divided by."""
        return float(self.counts.sum())


class Recorder(TorchFunctionMode):
    """Note the means and sums that are taken while the context lasts.

    Attributes
    ----------
    losses : list of Reduction
        Those of torch's loss functions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[Reduction] = []
        self._made: dict[int, tuple[Tensor, tuple[Reduction, ...]]] = {}

    def __torch_function__(
        self,
        func: Callable,
        types: object,
        args: tuple = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        """Call the function, and note what it was."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if isinstance(result, Tensor) and result.ndim == 0:
            with torch.no_grad():
                self._note(func, args, kwargs, result)
        return result

    def behind(self, value: Tensor) -> tuple[Reduction, ...]:
        """Return the reductions that a number is made of, as far as they are known."""
        return self._made.get(id(value), (value, ()))[1]

    def _note(
        self, func: Callable, args: tuple, kwargs: dict[str, object], result: Tensor
    ) -> None:
        name = getattr(func, "__name__", "")
        if name in ENTRIES and func is getattr(F, name, None):
            found = _of_loss(func, args, kwargs)
            if found is None:
                return
            self.losses.append(found)
            self._keep(result, (found,))
        elif name in _WHOLE and args and isinstance(args[0], Tensor) and args[0].ndim:
            found = Reduction(name, _ones(args[0].shape), _WHOLE[name])
            self._keep(result, (found,))
        elif name in _ONE or name in _TWO:
            self._keep(result, tuple(self._passed(name, args)))

    def _passed(self, name: str, args: tuple) -> Iterator[Reduction]:
        """Yield the reductions that sums, multiples and quotients hand on."""
        whole, by = args[0], args[1] if len(args) > 1 else None
        known = self.behind(whole) if isinstance(whole, Tensor) else ()
        divisor = _number(by) if name in _DIVIDE else None
        if divisor is not None and all(r.summed for r in known):
            count = torch.tensor([divisor], dtype=torch.float64)
            yield Reduction(name, count, summed=False, empty=_number(whole) == 0)
            return
        for one in known:
            yield replace(one, scaled=True) if name in _TIMES else one
        if isinstance(by, Tensor) and (name in _TWO or not known):
            yield from self.behind(by)

    def _keep(self, result: Tensor, found: tuple[Reduction, ...]) -> None:
        if found:
            self._made[id(result)] = (result, found)  # held: its id stays its own


_WHOLE = {"mean": False, "sum": True}
_DIVIDE = ("div", "div_", "true_divide", "divide", "__truediv__", "__itruediv__")
_TWO = ("add", "add_", "__add__", "__iadd__", "sub", "sub_", "__sub__", "__isub__")
_TIMES = (*_DIVIDE, "mul", "mul_", "__mul__", "__rmul__", "__imul__")
_ONE = (
    *_TIMES,
    *("neg", "__neg__"),
    *("__radd__", "rsub", "__rsub__", "mean", "sum", "to", "float", "double", "clone"),
)


def _number(x: object) -> float | None:
    if isinstance(x, Tensor):
        return float(x.detach()) if x.numel() == 1 else None
    return float(x) if isinstance(x, (int, float)) else None


def _of_loss(
    func: Callable, args: tuple, kwargs: dict[str, object]
) -> Reduction | None:
    """Return what a call of a loss function reduced, None if it did not."""
    bound = inspect.signature(func).bind(*args, **kwargs)
    bound.apply_defaults()
    a: Arguments = bound.arguments
    how = a["reduction"]
    if a.get("size_average") is not None or a.get("reduce") is not None:
        how = legacy_get_string(a["size_average"], a["reduce"], emit_warning=False)
    if how == "none":
        return None
    name, summed, batchmean = func.__name__, how == "sum", how == "batchmean"

    def count(a: Arguments) -> Tensor:
        if batchmean:
            return _ones((len(a["target"]),))
        return _ones(ENTRIES[name](a).shape) if summed else ENTRIES[name](a)

    # all but classes and weights are counted by shapes, and targets have them
    alike = [n for n, x in a.items() if isinstance(x, Tensor) and n != "weight"]
    rest = {n: x for n, x in a.items() if n not in alike}  # that holds no graph

    def recount(target: Tensor) -> Tensor:
        return count({**rest, **dict.fromkeys(alike, target)})

    counts, target = count(a), a.get("target")
    own = name in CLASSES or (
        target is not None
        and a.get("weight") is None
        and counts.numel() == len(recount(target))
    )
    return Reduction(
        name,
        counts,
        summed,
        a.get("input"),
        target,
        recount if own else None,
        a["weight"] if name in CLASSES else None,
    )


def _ones(shape: Sequence[int]) -> Tensor:
    return torch.ones(1, dtype=torch.float64).expand(math.prod(shape))


def _elements(*names: str) -> Callable[[Arguments], Tensor]:
    """Count each element of what the arguments broadcast to."""

    def count(a: Arguments) -> Tensor:
        shapes = [a[n].shape for n in names if isinstance(a[n], Tensor)]
        return _ones(torch.broadcast_shapes(*shapes))

    return count


def _weighted(a: Arguments) -> Tensor:
    if a["weight"] is None:
        return _elements("input", "target")(a)
    return a["weight"].detach().reshape(-1).cpu().double()


def _classes(a: Arguments) -> Tensor:
    """Count each entry by its class's weight, and ignored ones not at all."""
    target = a["target"].detach()
    if target.is_floating_point():  # probabilities: torch's mean ignores the weights
        classes = target.shape[min(1, target.ndim - 1)]
        return _ones((target.numel() // classes,))
    target = target.reshape(-1).cpu()
    kept = target != (-100 if a["ignore_index"] is None else a["ignore_index"])
    if a["weight"] is None:
        return kept.double()
    weights = a["weight"].detach().cpu().double()
    return torch.where(kept, weights[torch.where(kept, target, 0)], 0.0)


def _samples(name: str, axes: int) -> Callable[[Arguments], Tensor]:
    """Count each entry of an argument but for some of its last axes."""
    return lambda a: _ones(a[name].shape[: a[name].ndim - axes])


CLASSES = ("cross_entropy", "nll_loss", "linear_cross_entropy")
ENTRIES: dict[str, Callable[[Arguments], Tensor]] = {
    **dict.fromkeys(CLASSES, _classes),
    **dict.fromkeys(("mse_loss", "l1_loss"), _weighted),
    **dict.fromkeys(
        (
            *("huber_loss", "smooth_l1_loss", "soft_margin_loss", "poisson_nll_loss"),
            *("binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div"),
            "hinge_embedding_loss",
        ),
        _elements("input", "target"),
    ),
    "gaussian_nll_loss": _elements("input", "target", "var"),
    "margin_ranking_loss": _elements("input1", "input2", "target"),
    "cosine_embedding_loss": _samples("target", 0),
    "multi_margin_loss": _samples("target", 0),
    "multilabel_margin_loss": _samples("target", 1),
    "multilabel_soft_margin_loss": _samples("target", 1),
    "triplet_margin_loss": _samples("anchor", 1),
    "triplet_margin_with_distance_loss": _samples("anchor", 1),
    "ctc_loss": _samples("target_lengths", 0),
}
