"""A small catalogue of every kind of verdict, and a small collection."""

import numpy as np
import pytest
from hypothesis import strategies as st

from condlab.collection import COLLECTION, CollectionMatrix
from condlab.errors import MissingExtraError
from condlab.report import collect
from condlab.theory import CATALOGUE, Margin, Reference, Theorem, strategies, theorem

HOSTILE = "<script>alert('a & b')</script>"
SOURCE = Reference("A. Writer and B. C. O'Other", 1999, f"On {HOSTILE}", "Journal 1")

FALSE = theorem(
    "planted-smaller-trace",
    f"The trace is at least the sum of all entries {HOSTILE}.",
    SOURCE.at("Theorem 1 & 2"),
    lambda n: strategies.small_integers(n, n),
    lambda A: (A.sum(), np.trace(A)),
    latex=r"e^T A e \le \operatorname{tr} A",
    note="Equal for size 1, so the smallest counterexample has size 2. <b>",
)
TRUE = theorem(
    "planted-cauchy",
    "The square of a sum of n numbers is at most n times the sum of squares.",
    SOURCE,
    strategies.vectors,
    lambda x: (x.sum() ** 2, len(x) * (x**2).sum()),
    latex=r"(e^T x)^2 \le n \|x\|^2",
)
DOUBTFUL = Theorem(
    "planted-doubt",
    "A number that is larger within rounding.",
    "folklore & co",
    instances=lambda n: st.just(np.full((n, n), 1 / 3)),
    check=lambda A: Margin(1.0 + 1e-15, 1.0, rounding=1e-14),
)
EMPTY = Theorem(
    "planted-empty",
    "A claim about nothing.",
    "folklore & co",
    instances=lambda n: strategies.none(),
    check=lambda A: Margin(0.0, 1.0, rounding=0.0),
)
UNCONFIRMED = Theorem(
    "wc-planted-unconfirmed",
    "Every float is at most a half.",
    "folklore & co",
    instances=lambda n: st.sampled_from([0.25, 1 / 3, 0.7]),
    check=lambda x: Margin(x, 0.5, rounding=1e-15),
    parts=("x",),
)


def unavailable():
    raise MissingExtraError("this data set needs <something>")


SINGULAR = CollectionMatrix(
    "singular", HOSTILE, "a & b", lambda: np.array([[1.0, 2.0], [2.0, 4.0], [0, 0]])
)
DIAGONAL = CollectionMatrix(
    "diagonal", "units only", "none", lambda: np.diag([1.0, 10.0, 1000.0])
)
MISSING = CollectionMatrix("missing", "not here", "nowhere", unavailable)

THEOREMS = [
    CATALOGUE["wc-thm5.1-rows-tall"],
    CATALOGUE["bauer1963-rows-inf"],
    FALSE,
    TRUE,
    DOUBTFUL,
    EMPTY,
    UNCONFIRMED,
]
MATRICES = [COLLECTION["karate"], SINGULAR, DIAGONAL, MISSING]


@pytest.fixture(scope="session")
def make_records():
    return lambda: collect.collect_here(THEOREMS, MATRICES)


@pytest.fixture(scope="session")
def records(make_records):
    return make_records()


@pytest.fixture(scope="session")
def theorems():
    return {entry.key: entry for entry in THEOREMS}


@pytest.fixture(scope="session")
def by_key(records):
    return {entry["key"]: entry for entry in records.theorems}
