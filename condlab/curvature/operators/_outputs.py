"""What a criterion uses of a model's outputs, cut off from the model."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from condlab.curvature.evaluation._trees import take_apart
from condlab.curvature.evaluation.backends import (
    gradient_graph,
    pull_back,
    require_scalar,
)
from condlab.curvature.evaluation.losses import Batch, ModelLoss


@dataclass(frozen=True, slots=True)
class Outputs:
    """The tensors of a model's outputs that its criterion uses, laid end to end.

    Parameters
    ----------
    parts : tuple of Tensor
        As functions of the parameters; complex ones as pairs of real numbers.
    free : dict of str to Tensor
        The same cut off from them.
    slope : tuple of Tensor
        The criterion's gradient there, to be differentiated again.
    """

    parts: tuple[Tensor, ...]
    free: dict[str, Tensor]
    slope: tuple[Tensor, ...]

    @classmethod
    def of(cls, loss: ModelLoss, leaves: dict[str, Tensor], batch: Batch) -> Outputs:
        """Return the outputs for a batch."""
        given, rebuild = take_apart(loss.outputs(leaves, batch))
        found = {i: z for i, z in enumerate(given) if isinstance(z, Tensor)}
        pairs = [i for i, z in found.items() if z.is_complex()]
        parts = {
            i: torch.view_as_real(z) if i in pairs else z
            for i, z in found.items()
            if i in pairs or z.is_floating_point()
        }
        free = {i: z.detach().requires_grad_() for i, z in parts.items()}
        scored = list(given)
        for i, z in free.items():
            scored[i] = torch.view_as_complex(z) if i in pairs else z
        value = loss.criterion(rebuild(scored), batch)
        require_scalar(value)
        if not (value.requires_grad and free):
            return cls((), {}, ())
        slopes = torch.autograd.grad(
            value, list(free.values()), create_graph=True, allow_unused=True
        )
        slope = {
            i: s for i, s in zip(free, slopes, strict=True) if s is not None
        }  # outputs that the criterion does not use have none
        return cls(
            tuple(parts[i] for i in slope),
            {str(i): free[i] for i in slope},
            tuple(slope.values()),
        )

    @property
    def size(self) -> int:
        """Return how many numbers there are."""
        return sum(z.numel() for z in self.parts)

    def curve(self, v: Tensor) -> Tensor:
        """Return the criterion's Hessian times a vector, shape (size,)."""
        return pull_back(self.slope, self.free, v)


def require_all(loss: ModelLoss, leaves: dict[str, Tensor], batch: Batch) -> None:
    """Raise ValueError unless the loss depends on the parameters by its outputs alone.

    Then its gradient is that of the criterion pulled back through the outputs.
    """
    found = Outputs.of(loss, leaves, batch)
    expected = torch.cat(
        [g.reshape(-1) for g in gradient_graph(loss, leaves, batch, again=False)[1]]
    )
    slope = [s.detach().reshape(-1) for s in found.slope]
    pulled = torch.zeros_like(expected)
    if slope:
        pulled = pull_back(found.parts, leaves, torch.cat(slope))
    gap = float((pulled - expected).norm())
    tolerance = 10 * torch.finfo(expected.dtype).eps ** 0.5
    if not gap <= tolerance * float(expected.norm() + pulled.norm()):
        raise ValueError(
            "the criterion must see the parameters through tensors that the model "
            "returns, in tuples, mappings or dataclasses, but the gradient by these "
            f"differs by {gap:.1e} of {float(expected.norm()):.1e}; let "
            "outputs(params, batch) return all that the criterion uses"
        )
