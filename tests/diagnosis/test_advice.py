"""Advice is what was measured best, and "none" where nothing is."""

import math

import numpy as np
import pytest
import scipy.sparse as sp

import condlab
from condlab.diagnosis import PURPOSES
from condlab.gallery import GALLERY

RNG = np.random.default_rng(0)
GAUSSIAN = RNG.standard_normal((12, 12))
LAPLACIAN = GALLERY["laplacian-1d"].make(20)
UNITS = np.geomspace(1, 1e5, 20)
MATRICES = {
    "graded": GAUSSIAN * np.geomspace(1, 1e9, 12)[:, None],
    "columns": GAUSSIAN * np.geomspace(1, 1e9, 12),
    "definite": sp.csr_array(sp.diags_array(UNITS) @ LAPLACIAN @ sp.diags_array(UNITS)),
    "indefinite": GAUSSIAN + GAUSSIAN.T,
    "tall": GAUSSIAN[:, :5] * np.geomspace(1, 1e6, 5),
    "wide": GAUSSIAN[:5] * np.geomspace(1, 1e6, 5)[:, None],
    "complex": GAUSSIAN + 1e5j * np.eye(12),
    "singular": np.ones((4, 4)),
    "huge": 1e300 * GAUSSIAN,
    "tiny": 1e-300 * GAUSSIAN,
    "all ranges": np.diag([1e-300, 1.0, 1e300]),
    "without a sum": np.array([[1e308, 1e308], [1e308, -1e308]]),
}


def advice(A, purpose, **options):
    (found,) = condlab.diagnose(A, purpose=purpose, time_limit=0, **options).advice
    return found


@pytest.mark.parametrize("name", MATRICES)
def test_advice_is_never_worse_than_no_scaling(name):
    found = condlab.diagnose(MATRICES[name], time_limit=0)
    seen = {each.purpose for each in found.advice} | set(found.undefined)
    assert seen == set(PURPOSES) - {"lp"}
    for each in found.advice:
        attempts = {attempt.scaling: attempt for attempt in each.attempts}
        plain, chosen = attempts["none"], attempts[each.scaling]
        assert chosen.score <= plain.score
        assert chosen.measured.get("backward error", 0) <= max(
            plain.measured.get("backward error", 0), 2**-53
        )
        if each.scaling != "none":
            assert chosen.score == min(t.score for t in each.attempts) or (
                each.purpose == "lu"
            )


@pytest.mark.parametrize("purpose", ["lu", "cg", "minres", "gmres", "lsqr", "float16"])
def test_the_identity_needs_no_scaling(purpose):
    found = advice(np.eye(6), purpose)
    assert found.scaling == "none"
    assert "none" in found.reason


@pytest.mark.parametrize("purpose", ["cg", "minres"])
def test_badly_scaled_stiffness_is_scaled_on_both_sides_alike(purpose):
    found = advice(MATRICES["definite"], purpose)
    assert found.scaling in ("jacobi", "ruiz")
    assert "row" in found.refused
    steps = {attempt.scaling: attempt.score for attempt in found.attempts}
    assert steps["jacobi"] <= 20 < steps["none"]


def test_a_smaller_kappa_that_does_not_help_is_said():
    # Rows in powers of two, the largest first: the pivots and all digits are the same.
    A = (GAUSSIAN + 40 * np.eye(12)) * 2.0 ** np.arange(36, 0, -3)[:, None]
    found = advice(A, "lu")
    assert found.scaling == "none"
    assert "kappa_2 falls" in found.reason
    assert "forward error does not" in found.reason


def test_float16_needs_a_scaling_where_entries_overflow():
    A = GAUSSIAN * np.array([1e6] * 6 + [1.0] * 6)
    found = advice(A, "float16")
    assert found.attempts[0].measured["overflow"] > 0.4
    assert found.scaling != "none"
    chosen = next(t for t in found.attempts if t.scaling == found.scaling)
    assert chosen.measured["overflow"] == 0
    assert advice(A, "bfloat16").scaling == "none"


def test_rectangles_keep_what_their_solution_minimises():
    tall, wide = advice(MATRICES["tall"], "lsqr"), advice(MATRICES["wide"], "lsqr")
    assert [t.scaling for t in tall.attempts] == ["none", "column"]
    assert "least squares" in tall.refused["row"]
    assert [t.scaling for t in wide.attempts] == ["none", "row"]
    assert (tall.scaling, wide.scaling) == ("column", "row")


def test_where_nothing_converges_the_advice_is_none():
    found = advice(MATRICES["definite"], "cg", max_steps=2)
    assert found.scaling == "none"
    assert all(math.isinf(attempt.score) for attempt in found.attempts)
    assert "within 2 steps" in found.reason


@pytest.mark.parametrize(
    ("A", "purpose", "why"),
    [
        (GAUSSIAN, "cg", "symmetric"),
        (MATRICES["indefinite"], "cg", "positive definite"),
        (-np.eye(3), "cg", "positive definite"),
        (MATRICES["tall"], "lu", "square"),
        (MATRICES["complex"], "lsqr", "real"),
        (np.eye(3), "simplex", "purposes are lu, cg"),
    ],
)
def test_a_purpose_that_makes_no_sense_is_refused(A, purpose, why):
    with pytest.raises(ValueError, match=why):
        condlab.diagnose(A, purpose=purpose)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"tol": 0}, "tol is a relative residual"),
        ({"tol": math.nan}, "tol is a relative residual"),
        ({"max_steps": 0}, "1 at least"),
        ({"max_steps": 2.5}, "whole number"),
        ({"time_limit": math.nan}, "time_limit is a number"),
    ],
)
def test_options_out_of_range_are_refused(options, why):
    with pytest.raises(ValueError, match=why):
        condlab.diagnose(np.eye(3), **options)


def test_another_file_is_no_matrix():
    with pytest.raises(TypeError, match="read other files by"):
        condlab.diagnose("A.mtx")


def test_advice_is_printed_and_recorded():
    found = condlab.diagnose(MATRICES["definite"], purpose=["cg"], time_limit=0)
    assert "cg: take" in str(found)
    assert "jacobi" in found._repr_html_()
    attempts = found.to_dict()["advice"][0]["attempts"]
    assert attempts[0]["scaling"] == "none"
    assert attempts[0]["measured"]["steps"] == found.advice[0].attempts[0].score
    assert "jacobi" in str(found.advice[0])
