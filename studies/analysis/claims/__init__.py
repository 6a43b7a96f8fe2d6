"""What the sources claim of training, as questions to the records."""

from studies.analysis.claims.every import CLAIMS, CONTRASTS

__all__ = ["CLAIMS", "CONTRASTS"]
