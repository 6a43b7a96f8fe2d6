"""Doctests draw the same numbers whichever test ran before them."""

import sys

import pytest


@pytest.fixture(autouse=True)
def seeded_doctests(request):
    """Seed torch's own generator, which examples of layers draw from."""
    if isinstance(request.node, pytest.DoctestItem) and "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
