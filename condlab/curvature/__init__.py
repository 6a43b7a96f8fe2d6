"""Curvature of losses: Hessians as operators, condition numbers, gauges (torch)."""

from __future__ import annotations

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:  # pragma: no cover
    from condlab.errors import missing_extra

    raise missing_extra("torch", "torch", "condlab.curvature") from error

from condlab.curvature.condition_number import (
    HessianCondition,
    Inertia,
    condition_number,
)
from condlab.curvature.evaluation.losses import ModelLoss, make_loss
from condlab.curvature.examination import Examination, examine
from condlab.curvature.examples import EXAMPLES, example
from condlab.curvature.gram import gauss_newton_condition
from condlab.curvature.operators.blocks import NotAStackError, assemble_stack
from condlab.curvature.operators.distributed import DataParallel
from condlab.curvature.operators.fisher import empirical_fisher
from condlab.curvature.operators.gauss_newton import gauss_newton
from condlab.curvature.operators.jacobian import jacobian, tangent_kernel
from condlab.curvature.operators.monte_carlo import monte_carlo_fisher
from condlab.curvature.operators.operator import CurvatureOperator, HessianOperator
from condlab.curvature.operators.submatrix import submatrix
from condlab.curvature.symmetry.attention import attention
from condlab.curvature.symmetry.gauge import SphereOperator, normalised_lines, sphere
from condlab.curvature.symmetry.invariances import (
    Invariance,
    bias_shift,
    output_shift,
    relu_rescaling,
    row_scale,
)
from condlab.curvature.symmetry.motions import line_numbers
from condlab.curvature.symmetry.null_space import (
    NullSpace,
    null_space,
    require_invariant,
    residual,
)
from condlab.curvature.symmetry.symmetries import find_invariances
from condlab.curvature.twins import Comparison, compare, hold_lengths

__all__ = [
    "EXAMPLES",
    "Comparison",
    "CurvatureOperator",
    "DataParallel",
    "Examination",
    "HessianCondition",
    "HessianOperator",
    "Inertia",
    "Invariance",
    "ModelLoss",
    "NotAStackError",
    "NullSpace",
    "SphereOperator",
    "assemble_stack",
    "attention",
    "bias_shift",
    "compare",
    "condition_number",
    "empirical_fisher",
    "examine",
    "example",
    "find_invariances",
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
    "require_invariant",
    "residual",
    "row_scale",
    "sphere",
    "submatrix",
    "tangent_kernel",
]
