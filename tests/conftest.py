"""Hypothesis profiles; CONDLAB_PROFILE chooses one of dev, ci and thorough.

By default examples are the same in every run, so that a failure is the change's.
"""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=25, **COMMON)
settings.register_profile(
    "ci", max_examples=50, derandomize=True, database=None, print_blob=True, **COMMON
)
settings.register_profile("thorough", max_examples=2000, **COMMON)
settings.load_profile(os.environ.get("CONDLAB_PROFILE", "ci"))

BITS = 53  # python-flint's own precision


@pytest.fixture(autouse=True)
def precision_of_balls():
    """Leave the precision of balls, which is the process's, as it was."""
    yield
    flint = sys.modules.get("flint")
    if flint is not None:
        flint.ctx.prec = BITS
