"""Claims of "Weight standardization", equation by equation, in every reading."""

from __future__ import annotations

from condlab.theory.model import Theorem

THEOREMS: tuple[Theorem, ...] = ()
