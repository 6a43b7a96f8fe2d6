"""Hypothesis profiles, and what is tested where only NumPy, SciPy and pytest are.

CONDLAB_PROFILE chooses one of dev, ci and thorough. By default examples are the same in
every run, so that a failure is the change's.
"""

import ast
import importlib.util
import os
import sys

import pytest

try:
    from hypothesis import HealthCheck, settings
except ModuleNotFoundError:  # the quick lane
    pass
else:
    COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("dev", max_examples=25, **COMMON)
    settings.register_profile(
        "ci", max_examples=50, derandomize=True, database=None, print_blob=True,
        **COMMON,
    )  # fmt: skip
    settings.register_profile("thorough", max_examples=2000, **COMMON)
    settings.load_profile(os.environ.get("CONDLAB_PROFILE", "ci"))

OPTIONAL = (
    "array_api_strict", "flint", "hypothesis", "matplotlib", "mpmath", "pandas",
    "sklearn", "torch",
)  # fmt: skip
ABSENT = {name for name in OPTIONAL if importlib.util.find_spec(name) is None}
ROOMS = {  # and what they cannot be imported without
    "condlab.theory": "flint", "condlab.report": "matplotlib", "condlab.nn": "torch",
    "condlab.spectra": "torch", "condlab.curvature": "torch", "studies": "torch",
    "tests.exact": "flint",
}  # fmt: skip
NEEDING = tuple(room for room, package in ROOMS.items() if package in ABSENT)
LEFT_OUT = []  # files that need what is absent


def pytest_ignore_collect(collection_path):
    """Leave out a file that imports at its top what is not installed."""
    if not ABSENT or collection_path.suffix != ".py":
        return None
    body = ast.parse(collection_path.read_text(encoding="utf-8")).body
    names = {n.module for n in body if isinstance(n, ast.ImportFrom) and n.module}
    names |= {a.name for n in body if isinstance(n, ast.Import) for a in n.names}
    needed = {name.split(".")[0] for name in names}
    if not needed & ABSENT and not any(map(_is_in_a_room, names)):
        return None
    LEFT_OUT.append(collection_path)
    return True


def _is_in_a_room(name):
    return any(name == room or name.startswith(f"{room}.") for room in NEEDING)


def pytest_report_collectionfinish():
    """Say what was left out, for a lane that tests less must not look like all."""
    if not LEFT_OUT:
        return None
    return f"left out: {len(LEFT_OUT)} files, for want of {', '.join(sorted(ABSENT))}"


BITS = 53  # python-flint's own precision


@pytest.fixture(autouse=True)
def precision_of_balls():
    """Leave the precision of balls, which is the process's, as it was."""
    yield
    flint = sys.modules.get("flint")
    if flint is not None:
        flint.ctx.prec = BITS
