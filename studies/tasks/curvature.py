"""The curvature of what training minimises, by condlab's own instruments.

torch 2.13's kernel of weight normalisation, `torch._weight_norm`, is silently wrong
when it is differentiated twice: value and gradient are right, the Hessian's blocks of
directions and lengths are not, and the matrix is not symmetric. `HessianOperator`
differentiates its formula instead. Records say by `REVISION` how they were measured;
those that say nothing are from before, and `studies.analysis.runs.withdrawn` voids what
they say of weight-normalised arms.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn
from torch.func import functional_call

from condlab.curvature import HessianOperator
from condlab.spectra import spectrum
from studies.engine.records import Values
from studies.tasks.arms import batch_statistics
from studies.tasks.shares import Batch, Loss, LossOfBatch

REVISION = 2  # of how curvature is measured; 1 differentiated torch's kernel
NUM_MATVECS = 20  # two of them check the operator
PROBES = ("lambda_max", "lambda_min", "kappa_bound")

Curvature = Callable[[nn.Module, Loss, Batch], Values]


def hessian(net: nn.Module, loss: Loss, batch: Batch) -> HessianOperator:
    """Return the Hessian of a loss on a batch, at the network's trained parameters.

    Within `batch_statistics`, so that it is of the function that training
    differentiates; so must its products be.

    Raises
    ------
    ValueError
        If the products fail their own checks.
    """
    whole = LossOfBatch(net, loss)

    def of(params: dict[str, Tensor], data: Batch) -> Tensor:
        return functional_call(whole, params, (data,))

    params = {name: p for name, p in whole.named_parameters() if p.requires_grad}
    return HessianOperator(of, params, [batch], backend="retained")


def hessian_probes(
    net: nn.Module, loss: Loss, batch: Batch, *, num_matvecs: int = NUM_MATVECS
) -> dict[str, float]:
    """Return what a budget of products says of the Hessian on a batch, by Lanczos.

    "lambda_max" is a lower bound of the largest eigenvalue, "lambda_min" an upper bound
    of the smallest, both up to the products' noise; "kappa_bound" is a certain lower
    bound of the condition number of the whole matrix: of the largest |eigenvalue| over
    the smallest. The bound depends on the budget, and is to be compared with others of
    the same one.

    Of the loss as training differentiates it: with the batch's statistics. The start is
    the same in every call. All are nan where the products fail their own checks, as
    they do at weights that training has driven towards infinity.
    """
    with batch_statistics(net):
        try:
            H = hessian(net, loss, batch)
            found = spectrum(H, method="lanczos", num_matvecs=num_matvecs, rtol=0)
        except ValueError:
            return dict.fromkeys(PROBES, math.nan)
    low, high = float(found.values[0]), float(found.values[-1])
    largest = max(high, -low) - found.noise  # where noise hides all, kappa is >= 1
    sizes = found.smallest
    if found.complete or sizes is None:
        sizes = found.values.abs() + found.radii
    smallest = float(sizes.min())
    bound = max(1.0, largest / smallest) if smallest > 0 else math.inf
    return dict(zip(PROBES, (high, low, bound), strict=True))
