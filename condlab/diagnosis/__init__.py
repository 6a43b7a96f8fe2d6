"""Who is to blame for a condition number, and which scaling helps what is done next."""

from condlab.diagnosis._programmes import is_programme
from condlab.diagnosis.advice import Advice, Attempt
from condlab.diagnosis.culprits import Culprit
from condlab.diagnosis.diagnosis import diagnose
from condlab.diagnosis.purposes import PURPOSES
from condlab.diagnosis.record import Diagnosis

__all__ = [
    "PURPOSES",
    "Advice",
    "Attempt",
    "Culprit",
    "Diagnosis",
    "diagnose",
    "is_programme",
]
