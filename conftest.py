"""Doctests draw the same numbers whichever test ran before them."""

import sys

import pytest

# they hold no doctests, and to be collected their names would have to differ
collect_ignore_glob = ["*conftest.py"]


@pytest.fixture(autouse=True)
def seeded_doctests(request):
    """Seed torch's own generator, which examples of layers draw from."""
    if isinstance(request.node, pytest.DoctestItem) and "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
