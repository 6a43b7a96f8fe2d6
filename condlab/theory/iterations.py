"""Iterations: how fast gradient descent, CG and Jacobi's method converge."""

from __future__ import annotations

from condlab.theory.model import Theorem

THEOREMS: tuple[Theorem, ...] = ()
