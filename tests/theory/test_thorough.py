"""The long search: thousands of examples a size for every claim that holds.

    CONDLAB_EXAMPLES=5000 pytest -m slow tests/theory/test_thorough.py -n 2

takes hours for the whole catalogue; ``-k KEY`` tries one claim.
"""

import json
import os
from pathlib import Path

import pytest

from condlab.theory import CATALOGUE, verify
from condlab.theory.model import overall
from tests.theory.outcomes import outcomes

EXAMPLES = int(os.environ.get("CONDLAB_EXAMPLES", "5000"))
RECORD = Path(__file__).parents[2] / "figures" / "data" / "verdicts.json"


def surviving():
    """Return the keys that the committed record has as holding at all sizes."""
    theorems = json.loads(RECORD.read_text())["theorems"]
    return [
        entry["key"]
        for entry in theorems
        if overall((v["outcome"], v["examples"]) for v in entry["verdicts"]) == "holds"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("key", surviving())
def test_claims_that_hold_survive_a_long_search(key):
    verdicts = verify(CATALOGUE[key], max_examples=EXAMPLES, seed=5)
    assert set(outcomes(verdicts)) == {"holds"}
