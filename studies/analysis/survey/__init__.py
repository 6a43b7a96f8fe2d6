"""What a survey says of normalisation, and the numbers that tell its arms apart."""

from studies.analysis.survey.claims import CLAIMS, CONTRASTS

__all__ = ["CLAIMS", "CONTRASTS"]
