"""Condition numbers: distances, norms, products, perturbations and estimates."""

from __future__ import annotations

from condlab.theory.model import Theorem

THEOREMS: tuple[Theorem, ...] = ()
