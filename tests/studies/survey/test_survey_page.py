"""What the page on the survey's sentences names is there."""

import re
from pathlib import Path

import pytest

from studies.analysis.claims.survey import CLAIMS, CONTRASTS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "survey.md").read_text("utf-8")
NAMED = set(re.findall(r"`([^`]+)`", PAGE))


def test_every_claim_that_is_named_is_asked():
    asked = {c.key for c in CONTRASTS} | {c["key"] for c in CLAIMS}
    named = {name for name in NAMED if name.startswith("survey-")}
    assert len(named) > 25
    assert named <= asked


def test_every_group_of_claims_is_named():
    parts = {key.rsplit("-", 1)[0] for key in NAMED if key.startswith("survey-")}
    for contrast in CONTRASTS:
        key = contrast.key.removesuffix("-matched").removesuffix("-own")
        assert key in NAMED or any(key.startswith(part) for part in parts), key


def test_every_theorem_that_is_named_is_in_the_catalogue():
    theory = pytest.importorskip("condlab.theory")
    named = {name for name in NAMED if name.startswith("norm-")} - {"norm-"}
    assert named
    assert named <= set(theory.CATALOGUE)


def test_every_test_that_is_named_is_one():
    texts = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    named = {name for name in NAMED if name.startswith("test_")}
    assert len(named) > 8
    for name in named:
        assert any(f"def {name}(" in text for text in texts), name
