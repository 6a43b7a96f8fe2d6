"""Who is to blame for a condition number, and which scaling helps what is done next."""

from condlab.diagnosis.advice import Advice, Trial
from condlab.diagnosis.culprits import Culprit
from condlab.diagnosis.diagnosis import Diagnosis, diagnose
from condlab.diagnosis.purposes import PURPOSES

__all__ = ["PURPOSES", "Advice", "Culprit", "Diagnosis", "Trial", "diagnose"]
