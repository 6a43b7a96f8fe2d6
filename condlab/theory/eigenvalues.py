"""Eigenvalues: perturbation, interlacing, inclusion, and what Krylov methods see."""

from __future__ import annotations

from condlab.theory.model import Theorem

THEOREMS: tuple[Theorem, ...] = ()
