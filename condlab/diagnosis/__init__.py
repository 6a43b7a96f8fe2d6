"""Who is to blame for a condition number, and which scaling helps what is done next."""

from condlab.diagnosis.culprits import Culprit
from condlab.diagnosis.diagnosis import Diagnosis, diagnose

__all__ = ["Culprit", "Diagnosis", "diagnose"]
