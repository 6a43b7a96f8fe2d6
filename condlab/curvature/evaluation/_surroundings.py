"""What a module's loss reads besides its parameters: its modes, buffers and the rest.

An operator is that of the moment when it was made, and may evaluate the loss long
after, when the module has been trained on or put in another mode.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from torch import Tensor, nn

from condlab.curvature.evaluation._data import Fingerprint, fingerprint
from condlab.curvature.evaluation._trees import Structure
from condlab.curvature.evaluation.losses import Batch, Loss, ModelLoss

Mark = tuple[int, int]  # where a tensor is, and how often it was written to


def as_now(loss: Loss, names: Iterable[str]) -> Loss:
    """Return the loss of the module as it is now, whatever becomes of it.

    Modes are put back while the loss is evaluated; where buffers, or parameters that
    are not among `names`, have changed since, it raises ValueError.
    """
    if not isinstance(loss, ModelLoss) or loss.module is None:
        return loss
    kept, inner = _Surroundings.of(loss.module, set(names)), loss.outputs

    def outputs(params: dict[str, Tensor], batch: Batch) -> Structure:
        kept.require_same()
        with kept.in_their_modes():
            return inner(params, batch)

    return replace(loss, outputs=outputs)


@dataclass(frozen=True, slots=True)
class _Surroundings:
    module: nn.Module
    modes: list[tuple[nn.Module, bool]]
    seen: dict[str, tuple[Mark, Fingerprint]]

    @classmethod
    def of(cls, module: nn.Module, names: set[str]) -> _Surroundings:
        """Return what there is but for the parameters of these names."""
        everything = _tensors(module)
        given = {id(everything[name]) for name in names if name in everything}
        return cls(
            module,
            [(m, m.training) for m in module.modules()],
            {
                name: (_mark(x), fingerprint(x))
                for name, x in everything.items()
                if id(x) not in given  # which may have another name, too
            },
        )

    def require_same(self) -> None:
        """Raise ValueError if a tensor has changed since."""
        now = _tensors(self.module)
        for name, (mark, print_) in self.seen.items():
            x = now.get(name)
            if x is None or (_mark(x) != mark and fingerprint(x) != print_):
                raise ValueError(
                    "the matrix is that of the moment when it was made, and has to "
                    f"evaluate the loss again, but {name!r} of the module has changed "
                    "since; make another operator of the module as it is"
                )

    @contextlib.contextmanager
    def in_their_modes(self) -> Iterator[None]:
        """Put training and evaluation modes as they were, for a while."""
        changed = [(m, mode) for m, mode in self.modes if m.training != mode]
        for m, mode in changed:
            m.training = mode
        try:
            yield
        finally:
            for m, mode in changed:
                m.training = not mode


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    own = dict(module.named_parameters(remove_duplicate=False))
    return own | dict(module.named_buffers(remove_duplicate=False))


def _mark(x: Tensor) -> Mark:
    return x.data_ptr(), 0 if x.is_inference() else x._version
