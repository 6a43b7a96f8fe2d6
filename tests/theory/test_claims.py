"""Claims as decorated formulas, and how they are found."""

import functools
import importlib
import pkgutil
import subprocess
import sys

import pytest
from hypothesis import strategies as st

from condlab.theory import CATALOGUE, Theorem, claim, claims, theorem, verify
from condlab.theory.catalogue import claims_of


def scalars(size):
    return st.integers(0, 8).map(lambda k: k / 4) if size == 1 else st.nothing()


def claimed(formula, **options):
    return claim("planted", "folklore", scalars, **options)(formula)


def squares(x):
    """A number is at most

    its square.
    """
    return x, x * x


def test_the_statement_is_the_first_paragraph_of_the_docstring():
    def root(x):
        """
        The square root
          of a number.

        Not of a negative one.
        """
        return x, x

    assert claimed(root).statement == "The square root of a number."
    assert claimed(squares).statement == "A number is at most"


def test_a_claim_is_the_theorem_of_the_same_parts():
    found = claimed(squares, latex=r"x \le x^2", note="False.", false_from=1)
    plain = theorem(
        "planted", "A number is at most", "folklore", scalars, squares,
        latex=r"x \le x^2", note="False.", false_from=1,
    )  # fmt: skip
    for name in ("key", "statement", "reference", "latex", "note", "parts"):
        assert getattr(found, name) == getattr(plain, name)
    assert (found.formula, found.false_from) == (squares, 1)
    assert verify(found, sizes=[1]) == verify(plain, sizes=[1])
    assert verify(found, sizes=[1]).outcome == "falsified"


@pytest.mark.parametrize(
    "formula",
    [
        lambda x: (x, x),
        functools.partial(lambda x, y: (x, y), y=1),  # has its class's docstring
    ],
)
def test_a_formula_without_words_is_refused(formula):
    with pytest.raises(ValueError, match="'planted' has none; put the claim in words"):
        claimed(formula)


def test_without_docstrings_the_formula_stands_for_the_statement():
    code = (
        "from condlab.theory import CATALOGUE as C;"
        "print(C['wc-thm5.1-rows-corrected'].statement)"
    )
    command = [sys.executable, "-OO", "-W", "ignore", "-c", code]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == CATALOGUE["wc-thm5.1-rows-corrected"].latex


def test_claims_are_found_once_and_in_order_alone_and_in_collections():
    a, b, c, d = (
        Theorem(key, "", "", instances=scalars, check=lambda _: None) for key in "abcd"
    )
    names = {"x": a, "y": 3, "many": [b, a, "b"], "named": {"c": c}, "d": (d,), "z": b}
    assert claims_of(names) == (a, b, c, d)


def test_the_catalogue_has_every_claim_of_every_file():
    files = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(claims.__path__, claims.__name__ + ".")
    ]
    keys = [entry.key for file in files for entry in claims_of(vars(file))]
    assert sorted(keys) == sorted(CATALOGUE)
