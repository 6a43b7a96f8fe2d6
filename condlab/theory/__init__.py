"""Theorems on trial: a catalogue of claims, each searched for counterexamples.

Examples
--------
>>> from condlab import theory
>>> verdicts = theory.verify(theory.CATALOGUE["wc-thm5.1-rows"], sizes=[1, 2, 3])
>>> [verdict.outcome for verdict in verdicts]
['holds', 'holds', 'falsified']
"""

from condlab.errors import missing_extra

try:
    import flint  # noqa: F401
    import hypothesis  # noqa: F401
except ImportError as error:  # pragma: no cover
    raise missing_extra("hypothesis and python-flint", "theory", "theory") from error

from condlab.theory import strategies
from condlab.theory.catalogue import CATALOGUE
from condlab.theory.formula import claim, theorem
from condlab.theory.model import Margin, Reference, Theorem, Verdict, Verdicts
from condlab.theory.search import verify

__all__ = [
    "CATALOGUE",
    "Margin",
    "Reference",
    "Theorem",
    "Verdict",
    "Verdicts",
    "claim",
    "strategies",
    "theorem",
    "verify",
]
