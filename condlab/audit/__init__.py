"""Other libraries on trial: problems with certain answers, and who gets them right."""

from condlab.audit.judging import run
from condlab.audit.model import (
    VERDICTS,
    Answer,
    Judgement,
    Problem,
    Promise,
    Subject,
)
from condlab.audit.catalogue import KINDS, cases, problems

__all__ = [
    "KINDS",
    "VERDICTS",
    "Answer",
    "Judgement",
    "Problem",
    "Promise",
    "Subject",
    "cases",
    "problems",
    "run",
]
