"""What a scaling is measured by, against closed forms and other roundings."""

import math

import numpy as np
import pytest
import scipy.sparse as sp

import condlab
from condlab.diagnosis import _krylov
from condlab.diagnosis._elimination import UNIT_ROUNDOFF, errors
from condlab.diagnosis._formats import BFLOAT16, FLOAT16, rounded
from condlab.diagnosis._problem import problem
from condlab.types import Scaling

RNG = np.random.default_rng(0)
AS_IT_IS = Scaling()
KRYLOV = {
    "cg": _krylov.cg_steps,
    "minres": _krylov.minres_steps,
    "gmres": _krylov.gmres_steps,
    "lsqr": _krylov.lsqr_steps,
}


@pytest.mark.parametrize("name", KRYLOV)
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_as_many_steps_as_eigenvalues(name, make):
    A = make(np.diag(np.repeat([1.0, 2.0, 3.0, 5.0], 6)))
    found = KRYLOV[name](problem(A, 1e-10, 100), AS_IT_IS)
    assert found == {"steps": 4}


@pytest.mark.parametrize("name", KRYLOV)
def test_one_step_once_a_diagonal_matrix_is_scaled(name):
    A = np.diag(np.geomspace(1, 1e6, 12))
    scaling = condlab.jacobi_scaling(A)
    assert KRYLOV[name](problem(A, 1e-10, 100), scaling) == {"steps": 1}


@pytest.mark.parametrize("name", KRYLOV)
def test_steps_that_do_not_suffice_are_infinite(name):
    A = np.diag(np.geomspace(1, 1e3, 40))
    assert KRYLOV[name](problem(A, 1e-12, 5), AS_IT_IS) == {"steps": math.inf}


@pytest.mark.parametrize("name", ["gmres", "lsqr"])
def test_the_residual_that_counts_is_that_of_the_unscaled_system(name):
    # Row 3 hardly weighs in the scaled system, and decides in the unscaled one.
    A = RNG.standard_normal((9, 9)) + 4 * np.eye(9)
    left = np.ones(9)
    left[3] = 1e-9
    system = problem(A, 1e-8, 200)
    assert KRYLOV[name](system, Scaling(left=left))["steps"] >= 9


@pytest.mark.parametrize("truth", [1, 2, 3, 17, 64, 99, 100])
@pytest.mark.parametrize("guess", [0, 1, 5, 50, 100, 1000])
def test_the_first_step_is_found_from_every_guess(truth, guess):
    assert _krylov._first(lambda k: k >= truth, guess, 100) == truth
    assert _krylov._first(lambda k: False, guess, 100) == math.inf


def test_right_hand_sides_are_rounded_once():
    A = RNG.standard_normal((7, 7)) * np.geomspace(1, 1e12, 7)
    system = problem(A, 1e-8, 10)
    for k in range(system.b.shape[1]):
        exact = [math.fsum(A[i] * system.solutions[:, k]) for i in range(7)]
        assert system.b[:, k].tolist() == exact
    rows = problem(sp.csr_array(A), 1e-8, 10)
    assert (rows.b == system.b).all()
    assert (problem(1j * A, 1e-8, 10).b == 1j * system.b).all()


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_elimination_of_a_permuted_diagonal_matrix_has_no_error(make):
    A = make(np.diag([2.0, 4.0, 8.0])[[2, 0, 1]])
    found = errors(problem(A, 1e-8, 10), AS_IT_IS)
    assert found == {"forward error": 0, "backward error": UNIT_ROUNDOFF}


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_elimination_of_a_singular_matrix_has_infinite_errors(make):
    A = make(np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0]]))
    found = errors(problem(A, 1e-8, 10), AS_IT_IS)
    assert found["forward error"] == math.inf


def test_the_errors_of_elimination_are_those_of_their_definition():
    A = condlab.gallery.GALLERY["hilbert"].make(8)
    system = problem(A, 1e-8, 10)
    x = np.linalg.solve(A, system.b)
    found = errors(system, AS_IT_IS)
    assert 1e-10 < found["forward error"] < 1e-3
    expected = np.abs(x - system.solutions).max()
    assert found["forward error"] == pytest.approx(expected, rel=0.5)
    assert found["backward error"] < 1e-15


def test_rounding_to_half_precision_is_numpys():
    x = RNG.standard_normal(4000) * 10.0 ** RNG.uniform(-9, 6, 4000)
    x[:4] = [65504.0, 65519.99, 65520.0, 2.0**-25]
    with np.errstate(over="ignore"):
        assert (rounded(x, *FLOAT16) == x.astype(np.float16)).all()


def test_rounding_to_bfloat16_is_that_of_the_upper_half_of_float32():
    x = (RNG.standard_normal(4000) * 10.0 ** RNG.uniform(-37, 37, 4000)).astype("f4")
    bits = x.view(np.uint32)
    even = bits + 0x7FFF + ((bits >> 16) & 1)
    expected = (even & 0xFFFF0000).view(np.float32)
    assert (rounded(x.astype(float), *BFLOAT16) == expected).all()


def test_parts_of_complex_numbers_are_rounded_alone():
    found = rounded(np.array([1 / 3 + 1e9j]), *FLOAT16)
    assert found.real == np.float16(1 / 3)
    assert found.imag == math.inf
