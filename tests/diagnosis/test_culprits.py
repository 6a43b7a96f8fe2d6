"""Rows and columns that a condition number comes from."""

import numpy as np
import pytest
import scipy.sparse as sp

import condlab
from condlab.collection import COLLECTION
from condlab.diagnosis._lines import kappas_rescaled, kappas_without, line_factors
from condlab.gallery import GALLERY
from tests.containers import CONTAINERS

RNG = np.random.default_rng(0)
GAUSSIAN = RNG.standard_normal((9, 9))
GRADED = GAUSSIAN * np.geomspace(1, 1e-9, 9)[:, None] * np.geomspace(1, 30, 9)


def named(A, **options):
    return [
        (c.axis, c.index, c.reason)
        for c in condlab.diagnose(A, purpose=(), **options).culprits
    ]


@pytest.mark.parametrize("axis", ["row", "column"])
@pytest.mark.parametrize("unit", [1e6, 1e-6])
@pytest.mark.parametrize(
    "make",
    [
        lambda: GAUSSIAN,
        lambda: GAUSSIAN[:, :5],
        lambda: GAUSSIAN[:5],
        lambda: GAUSSIAN * 1j + GAUSSIAN.T,
        lambda: GALLERY["laplacian-1d"].make(30),
        lambda: COLLECTION["beam"].load(),
    ],
    ids=["square", "tall", "wide", "complex", "sparse", "beam"],
)
def test_a_line_in_another_unit_is_the_first_that_is_named(make, axis, unit):
    A = make()
    A = np.array(A.toarray() if sp.issparse(A) else A)
    m, n = A.shape
    if unit < 1 and ((axis == "row" and m > n) or (axis == "column" and m < n)):
        pytest.skip("a line that others replace does no harm by being small")
    (A if axis == "row" else A.T)[3] *= unit
    worst = condlab.diagnose(A, purpose=(), time_limit=0).culprits[0]
    assert (worst.axis, worst.index, worst.reason) == (axis, 3, "size")
    assert 0.01 < worst.factor / unit < 100  # beside what it was before


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container_has_the_same_culprits(container):
    A = GAUSSIAN.copy()
    A[:, 4] *= 1e6
    assert named(container(A)) == [("column", 4, "size")]


@pytest.mark.parametrize(
    "A",
    [
        np.eye(5),
        GAUSSIAN,
        GALLERY["laplacian-1d"].make(40),
        np.ones((1, 4)),
        np.array([[1e200, 0], [0, 1e200]]),
        np.zeros((2, 3)),
        1e-300 * GAUSSIAN,
    ],
)
def test_a_well_scaled_matrix_names_no_line(A):
    found = condlab.diagnose(A, purpose=())
    assert found.culprits == ()
    assert "no row or column is to blame" in str(found)


def test_two_lines_in_other_units_are_both_named():
    # Either alone changes kappa little while the other is there.
    A = GAUSSIAN.copy()
    A[2] *= 1e7
    A[5] *= 1e7
    assert {line[:2] for line in named(A)} >= {("row", 2), ("row", 5)}


def test_rows_that_nearly_repeat_each_other_are_dependent_and_not_of_odd_size():
    A = GAUSSIAN.copy()
    A[7] = 3 * A[2] + 1e-9 * RNG.standard_normal(9)
    found = condlab.diagnose(A, purpose=())
    near = {(c.axis, c.index) for c in found.culprits if c.reason == "dependence"}
    assert near >= {("row", 2), ("row", 7)}
    assert all(c.reason == "dependence" for c in found.culprits)
    row = next(c for c in found.culprits if (c.axis, c.index) == ("row", 7))
    B = np.delete(found.best.scaling.apply(A), 7, axis=0)
    assert row.without == pytest.approx(np.linalg.cond(B), rel=1e-6)


def test_a_singular_matrix_is_judged_by_what_is_not_zero():
    A = np.vstack([GAUSSIAN, np.zeros(9)]) @ np.diag([1.0] * 8 + [0.0])
    A[3] *= 1e6
    found = condlab.diagnose(A, purpose=())
    assert ("row", 3) in [(c.axis, c.index) for c in found.culprits]
    assert "singular to rounding" in str(found)


def test_line_factors_follow_every_change_of_one_unit():
    # log|A| gains a rank-one pattern that the fit takes up exactly.
    for A in (GAUSSIAN, GALLERY["laplacian-1d"].make(12).toarray(), GAUSSIAN[:, :4]):
        before = line_factors(sp.coo_array(A))
        B = A.copy()
        B[1] *= 1e6
        after = line_factors(sp.coo_array(B))
        moved = np.ones(len(A))
        moved[1] = 1e6
        ratio = after[0] / before[0]
        assert ratio / np.median(ratio) == pytest.approx(moved, rel=1e-3)
        assert after[1] == pytest.approx(before[1], rel=1e-3)


@pytest.mark.parametrize("shape", [(6, 6), (8, 5), (5, 8), (1, 3), (3, 1)])
@pytest.mark.parametrize("unit", [1e-7, 0.3, 1.0, 5.0, 1e8])
def test_one_line_times_a_factor_has_the_kappa_of_a_new_decomposition(shape, unit):
    B = RNG.standard_normal(shape) * np.geomspace(1, 1e-3, shape[1])
    U, sigma, Vt = np.linalg.svd(B, full_matrices=False)
    for axis, vectors in ((0, U), (1, Vt.T)):
        lines = shape[axis]
        found = kappas_rescaled(sigma, np.abs(vectors) ** 2, np.full(lines, unit))
        for k in range(lines):
            D = np.eye(lines)
            D[k, k] = unit
            kappa = np.linalg.cond(D @ B if axis == 0 else B @ D)
            assert found[k] == pytest.approx(kappa, rel=1e-6)


def test_a_matrix_without_a_line_has_the_kappa_of_a_new_decomposition():
    U, sigma, _ = np.linalg.svd(GRADED)
    found = kappas_without(sigma, U**2)
    expected = [np.linalg.cond(np.delete(GRADED, k, axis=0)) for k in range(9)]
    assert found == pytest.approx(expected, rel=1e-5)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"nan at index \(1, 0\)"):
        condlab.diagnose([[1.0, 2.0], [np.nan, 1.0]])
    with pytest.raises(ValueError, match="at least one row"):
        condlab.diagnose(np.empty((0, 3)))
    with pytest.raises(ValueError, match="time_limit is a number of seconds"):
        condlab.diagnose(np.eye(2), time_limit=-1)


def test_a_diagnosis_is_a_record_of_plain_values():
    A = GAUSSIAN.copy()
    A[2] *= 1e6
    found = condlab.diagnose(A, purpose=())
    plain = found.to_dict()
    assert plain["culprits"][0]["index"] == 2
    assert plain["best"] == found.best.name
    assert plain["optimum"]["lower"] == found.optimum.lower
    assert "row 2" in found._repr_html_()


@pytest.mark.slow
def test_a_large_sparse_matrix_is_judged_by_estimates():
    A = sp.csr_array(sp.kronsum(*[GALLERY["laplacian-1d"].make(36)] * 2))
    D = np.ones(A.shape[0])
    D[777] = 1e6
    assert named(sp.diags_array(D) @ A)[0][:2] == ("row", 777)
