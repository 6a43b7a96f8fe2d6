"""The check that a loss is a function of its parameters, and changes nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.module import register_module_forward_pre_hook

from condlab.curvature.evaluation._check import Evaluate
from condlab.curvature.evaluation._twice import PaddingRows
from condlab.curvature.evaluation.losses import Loss, ModelLoss
from condlab.nn.conditioning import Conditioning, pinned

Gradient = tuple[Tensor, Tensor]  # the loss, and its gradient laid end to end


@dataclass(frozen=True)
class Modules:
    """What an evaluation calls: modules with buffers as they were, and padding rows."""

    buffers: dict[nn.Module, dict[str, Tensor]] = field(default_factory=dict)
    padding: PaddingRows = field(default_factory=PaddingRows)
    recomputed: list[nn.Module] = field(default_factory=list)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note modules before they run for the first time, while the context lasts."""

        def note(module: nn.Module, _: object) -> None:
            if torch._C._current_graph_task_id() != -1:  # within a backward pass
                self.recomputed.append(module)
            if module not in self.buffers:
                own = module.named_buffers(recurse=False)
                self.buffers[module] = {n: b.detach().clone() for n, b in own}

        handle = register_module_forward_pre_hook(note)
        try:
            with self.padding, warnings.catch_warnings():
                # of compiled modules, that they call the hook twice
                warnings.filterwarnings("ignore", message="Using `torch.compile")
                yield
        finally:
            handle.remove()

    def restore(self) -> tuple[nn.Module, str] | None:
        """Put changed buffers back, and return the first one's module and name."""
        found = None
        for module, before in self.buffers.items():
            for name, old in before.items():
                now = getattr(module, name)
                if torch.equal(now, old):
                    continue
                found = found or (module, name)
                with torch.no_grad():
                    now.copy_(old)
        return found

    def held(self, evaluate: Evaluate, here: Callable[[], object]) -> Evaluate:
        """Return the loss with all that torch takes for constants as it is here.

        These are the divisors of frozen conditionings and the rows of padding;
        `here` evaluates the loss at the point.
        """
        frozen = [m for m in self.buffers if isinstance(m, Conditioning) and m.frozen]

        def near(at: dict[str, Tensor]) -> Gradient:
            with pinned(frozen):
                if frozen:
                    here()
                with self.padding.held():
                    return evaluate(at)

        return near if frozen or self.padding.rows else evaluate

    def dropping(self, loss: Loss) -> str:
        """Return what drops units at random, if something does."""
        for module in self.buffers:
            if isinstance(module, _DropoutNd) and module.training and module.p > 0:
                name = path_of(module, loss) or f"a {type(module).__name__}"
                return f": {name} drops units; call module.eval() first"
        return "; fix what it draws at random (dropout, noise, sampling) beforehand"


def require_pure(
    loss: Loss, gradient: Callable[[], Gradient]
) -> tuple[Gradient, Modules]:
    """Return the loss of one batch with its gradient, and what modules it calls.

    Two evaluations may differ by the square root of the rounding unit: a GPU adds in no
    fixed order.

    Raises
    ------
    ValueError
        If two evaluations differ, change a buffer of a module, or are not finite.
    """
    modules = Modules()
    with modules.watched():
        first, g = gradient()
    try:
        second, h = gradient()
    except RuntimeError as error:
        raise ValueError(
            "the loss must be the same each time it is evaluated, but the second time "
            f"it fails: {str(error).splitlines()[0]}; does a module keep tensors of "
            "the first, as a cache?"
        ) from error
    changed = modules.restore()
    if changed:
        raise ValueError(
            "the loss must not change the module, but evaluating it writes to the "
            f"buffer {_named(loss, *changed)}, as batch normalisation does in training "
            "mode; call module.eval() first"
        )
    _require_finite(first, g)
    if modules.recomputed:
        again = type(modules.recomputed[0]).__name__
        raise ValueError(
            "the loss must not call modules while it is differentiated, as they then "
            f"see the module's own parameters, but a {again} is called again; turn "
            "activation checkpointing off"
        )
    tolerance = torch.finfo(g.dtype).eps ** 0.5
    moved = float((g - h).norm()) > tolerance * float(g.norm() + h.norm())
    if moved or abs(float(first - second)) > tolerance * abs(float(first)):
        raise ValueError(
            f"two evaluations of the loss on one batch must agree, got {float(first)} "
            f"and {float(second)} with different gradients{modules.dropping(loss)}"
        )
    return (first, g), modules


def require_names(loss: Loss, params: Mapping[str, Tensor]) -> None:
    """Raise ValueError unless the module has all the parameters.

    `torch.func.functional_call` leaves out what it does not know, a misspelt one say.
    """
    if not isinstance(loss, ModelLoss) or loss.module is None:
        return
    known = [name for name, _ in loss.module.named_parameters(remove_duplicate=False)]
    known += [name for name, _ in loss.module.named_buffers(remove_duplicate=False)]
    for name in params:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"params must be parameters of the module, and it has no {name!r}{hint}"
            )


def _named(loss: Loss, owner: nn.Module, name: str) -> str:
    path = path_of(owner, loss)
    return f"{path}.{name}" if path else f"{name} of a {type(owner).__name__}"


def path_of(owner: nn.Module, loss: Loss) -> str:
    """Return where a module is within that of a loss, "" if it is not or is all."""
    whole = loss.module if isinstance(loss, ModelLoss) else None
    modules = whole.named_modules() if whole is not None else ()
    return next((path for path, module in modules if module is owner), "")


def _require_finite(value: Tensor, gradient: Tensor) -> None:
    """Raise ValueError unless the loss and its gradient are finite."""
    if bool(torch.isfinite(value)) and bool(torch.isfinite(gradient).all()):
        return
    what = f"the loss {float(value)}"
    if bool(torch.isfinite(value)):
        bad = int((~torch.isfinite(gradient)).nonzero()[0])
        what = f"the gradient {float(gradient[bad])} at entry {bad}"
    raise ValueError(
        f"the loss and its gradient must be finite at the point, got {what} on the "
        "first batch; move the parameters, or look for a log or root of 0 and overflow"
    )
