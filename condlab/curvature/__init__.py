"""Curvature of losses: Hessians as operators, assembled, and in a gauge (torch)."""

from __future__ import annotations

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:  # pragma: no cover
    from condlab.errors import missing_extra

    raise missing_extra("torch", "torch", "condlab.curvature") from error

from condlab.curvature._extremes import ProbableExtremes
from condlab.curvature.assembly import Progress, assemble
from condlab.curvature.attention import attention
from condlab.curvature.blocks import NotAStackError, assemble_stack
from condlab.curvature.condition import HessianCondition, Inertia, condition
from condlab.curvature.density import Band, SpectralDensity, density
from condlab.curvature.distributed import DataParallel
from condlab.curvature.eigenpairs import Eigenpairs
from condlab.curvature.examination import Examination, examine
from condlab.curvature.examples import EXAMPLES, example
from condlab.curvature.fisher import empirical_fisher
from condlab.curvature.gauge import SphereOperator, normalised_lines, sphere
from condlab.curvature.gauss_newton import gauss_newton
from condlab.curvature.gram import gauss_newton_condition
from condlab.curvature.invariances import (
    Invariance,
    bias_shift,
    output_shift,
    relu_rescaling,
    row_scale,
)
from condlab.curvature.jacobian import jacobian, tangent_kernel
from condlab.curvature.linear_map import LinearMap
from condlab.curvature.losses import ModelLoss, make_loss
from condlab.curvature.monte_carlo import monte_carlo_fisher
from condlab.curvature.motions import line_numbers
from condlab.curvature.null_space import NullSpace, null_space, residual, verify
from condlab.curvature.operator import CurvatureOperator, HessianOperator
from condlab.curvature.quotient import Comparison, compare, hold_lengths
from condlab.curvature.solve import Solution, solve
from condlab.curvature.spectrum import Spectrum, spectrum
from condlab.curvature.submatrix import submatrix
from condlab.curvature.symmetries import find_invariances
from condlab.curvature.trace import (
    DiagonalEstimate,
    Estimate,
    diagonal,
    frobenius_norm,
    trace,
)

__all__ = [
    "EXAMPLES",
    "Band",
    "Comparison",
    "CurvatureOperator",
    "DataParallel",
    "DiagonalEstimate",
    "Eigenpairs",
    "Estimate",
    "Examination",
    "HessianCondition",
    "HessianOperator",
    "Inertia",
    "Invariance",
    "LinearMap",
    "ModelLoss",
    "NotAStackError",
    "NullSpace",
    "ProbableExtremes",
    "Progress",
    "Solution",
    "SpectralDensity",
    "Spectrum",
    "SphereOperator",
    "assemble",
    "assemble_stack",
    "attention",
    "bias_shift",
    "compare",
    "condition",
    "density",
    "diagonal",
    "empirical_fisher",
    "examine",
    "example",
    "find_invariances",
    "frobenius_norm",
    "gauss_newton",
    "gauss_newton_condition",
    "hold_lengths",
    "jacobian",
    "line_numbers",
    "make_loss",
    "monte_carlo_fisher",
    "normalised_lines",
    "null_space",
    "output_shift",
    "relu_rescaling",
    "residual",
    "row_scale",
    "solve",
    "spectrum",
    "sphere",
    "submatrix",
    "tangent_kernel",
    "trace",
    "verify",
]
