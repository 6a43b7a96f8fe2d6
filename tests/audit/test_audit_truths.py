"""What an audit takes for true is confirmed by an arithmetic that had no part in it."""

import math
from fractions import Fraction

import numpy as np
import pytest

from condlab.audit import KINDS, cases, exact, jets, problems
from condlab.audit.catalogue.eigenvalues import rotated
from condlab.audit.confirm import confirm, is_confirmed
from condlab.audit.model import units

NEEDS_TORCH = {"hessian_layer", "hessian_diag", "hessian_top"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_truth_is_confirmed_by_another_arithmetic(kind):
    pytest.importorskip("torch" if kind in NEEDS_TORCH else "flint")
    pytest.importorskip("mpmath")
    off = [(p.name, confirm(p)) for p in problems(kind) if not is_confirmed(p)]
    assert off == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_problems_with_names_of_their_own_and_a_source(kind):
    if kind in NEEDS_TORCH:
        pytest.importorskip("torch")
    names = [p.name for p in problems(kind)]
    assert len(set(names)) == len(names) >= 7
    assert all(p.source and p.certificate for p in problems(kind))


def test_inputs_are_new_each_time():
    problem = problems("cond_2")[0]
    problem.input()[:] = 0
    assert problem.input().any()


def test_condition_numbers_of_a_hilbert_matrix_are_those_of_its_integer_inverse():
    n = 5
    A = [[Fraction(1, i + j + 1) for j in range(n)] for i in range(n)]
    X = exact.inverse(A)
    assert all(x.denominator == 1 for row in X for x in row)
    assert exact.norm_1(A) * exact.norm_1(X) == 943656


def test_kappa_2_of_two_by_two_is_the_quadratic_formulas():
    A = np.array([[3.0, 1.0], [1.0, 2.0]])
    root = math.sqrt(5)
    assert exact.kappa_2(A) == pytest.approx((5 + root) / (5 - root), rel=1e-15)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_kappa_2_does_not_see_the_unit(scale):
    assert exact.kappa_2(scale * np.array([[2.0, 1.0], [1.0, 2.0]])) == pytest.approx(
        3, rel=1e-15
    )


def test_rotated_spectra_are_refused_where_floats_cannot_hold_them():
    with pytest.raises(ValueError, match="no floats"):
        rotated([1.0, 2.0**-60])


def test_jets_differentiate_a_quotient_and_a_root_as_by_hand():
    x, y = jets.variables([3, 4])
    length = (x * x + y * y).sqrt()
    assert length.gradient == (Fraction(3, 5), Fraction(4, 5))
    assert length.hessian == (
        (Fraction(16, 125), Fraction(-12, 125)),
        (Fraction(-12, 125), Fraction(9, 125)),
    )
    assert (1 / x).hessian[0] == (Fraction(2, 27), 0)


def test_jets_refuse_what_they_cannot_say_exactly():
    (x,) = jets.variables([2])
    for operation in (x.sqrt, x.exp, (x - 2).relu):
        with pytest.raises(ArithmeticError):
            operation()


def test_unknown_kind_is_answered_with_the_kinds_there_are():
    with pytest.raises(ValueError, match=r"cond_1, cond_2.*got 'cond_3'"):
        problems("cond_3")


@pytest.mark.parametrize(*cases("cond_2"))
def test_cases_are_for_the_tests_of_others(problem):
    assert problem.accepts(problem.truth)
    hidden = 100 * units(problem) * problem.truth >= 1  # by the input's own rounding
    assert hidden or not problem.accepts(0.4 * problem.truth)
