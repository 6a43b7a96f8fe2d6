"""The best diagonal scaling there is, with a certificate that none is better."""

from condlab.optimal.answer import OptimalScaling
from condlab.optimal.best import optimal_scaling

__all__ = ["OptimalScaling", "optimal_scaling"]
