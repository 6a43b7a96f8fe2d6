"""Count how often equilibration raises the Hessian's condition number."""

from studies.theorem_52.counts import NETWORKS, main

__all__ = ["NETWORKS", "main"]
