"""Counterexamples that a reader can check without trusting condlab: see `check`."""

from condlab.theory.certificates.export import (
    CHECKER,
    STATEMENTS,
    certificate,
    table,
    write,
)

__all__ = ["CHECKER", "STATEMENTS", "certificate", "table", "write"]
