"""Other libraries on trial: problems with certain answers, and who gets them right.

`audit` asks public functions of other libraries, and condlab's; `run` asks a function
of one's own, and `cases` makes the problems the parameters of a pytest test.

Examples
--------
>>> import numpy as np
>>> found = run(np.linalg.cond, problems("cond_2"))
>>> {judgement.verdict for judgement in found}
{'right'}
"""

from condlab.audit.asking import AdapterError
from condlab.audit.catalogue import KINDS, cases, problems
from condlab.audit.judging import run
from condlab.audit.model import (
    VERDICTS,
    Answer,
    Judgement,
    Problem,
    Promise,
    Subject,
)
from condlab.audit.records import record
from condlab.audit.subjects import SUBJECTS
from condlab.audit.trial import Audit, audit

__all__ = [
    "KINDS",
    "SUBJECTS",
    "VERDICTS",
    "AdapterError",
    "Answer",
    "Audit",
    "Judgement",
    "Problem",
    "Promise",
    "Subject",
    "audit",
    "cases",
    "problems",
    "record",
    "run",
]
