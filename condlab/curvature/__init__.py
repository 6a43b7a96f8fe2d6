"""Curvature of losses: Hessians as operators, assembled, and in a gauge (torch)."""

from __future__ import annotations

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:  # pragma: no cover
    from condlab.errors import missing_extra

    raise missing_extra("torch", "torch", "condlab.curvature") from error

from condlab.curvature.assembly import Progress, assemble
from condlab.curvature.fisher import empirical_fisher
from condlab.curvature.gauss_newton import gauss_newton
from condlab.curvature.losses import ModelLoss, make_loss
from condlab.curvature.operator import CurvatureOperator, HessianOperator

__all__ = [
    "CurvatureOperator",
    "HessianOperator",
    "ModelLoss",
    "Progress",
    "assemble",
    "empirical_fisher",
    "gauss_newton",
    "make_loss",
]
