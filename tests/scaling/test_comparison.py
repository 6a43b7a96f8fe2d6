"""Condition numbers of stacks, and of one matrix under every scaling."""

import numpy as np
import pytest
import scipy.sparse as sp

import condlab
from condlab import SCALINGS, compare_scalings, cond
from condlab.condition.exact import CONDITION_NUMBERS

RNG = np.random.default_rng(0)
GRADED = np.diag([1.0, 1e-9, 1e-18]) @ RNG.standard_normal((3, 3))
SINGULAR = np.ones((3, 3))
STACK = np.stack(
    [RNG.standard_normal((3, 3)), GRADED, SINGULAR, np.zeros((3, 3)), 1e300 * np.eye(3),
     1e-300 * RNG.standard_normal((3, 3)), np.diag([1.0, 1.0, 1e-5])]
)  # fmt: skip


@pytest.mark.parametrize("p", CONDITION_NUMBERS)
@pytest.mark.parametrize("unit", [1.0, 1.0 + 1.0j])
def test_a_stack_has_the_numbers_of_its_matrices(p, unit):
    stack = (unit * STACK).reshape(7, 1, 3, 3)
    found = cond(stack, p)
    for k, A in enumerate(stack[:, 0]):
        one = CONDITION_NUMBERS[p](A)
        for field in ("value", "lower", "upper"):
            assert getattr(found, field).shape == (7, 1)
            # LAPACK is the same, the order of a division need not be; and ends have
            # another proof, each of a width of 100 n roundings of the singular values
            ends = p in (2, "fro") and field != "value" and one.value < 1e12
            rel = 300 * np.finfo(float).eps * one.value if ends else 1e-14
            expected = pytest.approx(getattr(one, field), rel=rel)
            assert getattr(found, field)[k, 0] == expected


def test_a_stack_of_rectangles_agrees_with_numpy():
    A = RNG.standard_normal((50, 4, 6))
    kappa = np.linalg.cond(A)
    found = cond(A)
    assert (found.lower <= kappa * (1 + 1e-12)).all()
    assert (kappa <= found.upper * (1 + 1e-12)).all()
    assert len(cond(A[:0])) == 0


def test_a_stack_of_tensors_gives_tensors():
    torch = pytest.importorskip("torch")
    A = torch.randn(2, 5, 3, 3, generator=torch.Generator().manual_seed(0))
    found = cond(A)
    assert isinstance(found.upper, torch.Tensor)
    expected = torch.linalg.cond(A.double())
    torch.testing.assert_close(found.value, expected, rtol=1e-12, atol=0)


def test_norms_are_numpys_names():
    A = STACK[0]
    assert cond(A, None) == cond(A) == cond(A, 2)
    assert cond(A, np.inf) == cond(A, "inf") == condlab.cond_inf(A)
    assert cond(sp.csr_array(A), 1) == condlab.cond_1(A)
    for p in (-2, -1, "nuc", 3):
        with pytest.raises(ValueError, match="p must be one of 2, 1, 'inf', 'fro'"):
            cond(A, p)


def test_bad_stacks_are_named_by_their_first_bad_entry():
    with pytest.raises(ValueError, match=r"nan at index \(1, 0, 2\)"):
        cond(np.where(np.arange(18).reshape(2, 3, 3) == 11, np.nan, 1.0))
    with pytest.raises(ValueError, match=r"at least one row .* \(0, 3\)"):
        cond(np.empty((2, 0, 3)))
    with pytest.raises(ValueError, match="square"):
        cond(np.ones((2, 3, 4)), 1)


def test_rows_are_those_of_each_scaling_alone():
    A = np.geomspace(1, 1e4, 6)[:, None] * RNG.standard_normal((6, 5))
    rows = compare_scalings(A)
    assert [row.name for row in rows] == ["none", "row", "column", "row-column", "ruiz"]
    assert "jacobi" in rows.refused
    for row in rows[1:]:
        scaling = SCALINGS[row.name].function(A)
        assert row.kappa == condlab.cond_2(scaling.apply(A))
    assert rows[1].best == condlab.van_der_sluis(A)
    assert rows[1].within == rows[1].kappa.upper / rows[1].best.lower


def test_the_best_of_a_kind_is_at_most_every_scaling_of_it():
    S = condlab.gallery.hilbert(5)
    options = {"side": "symmetric"}
    rows = {r.name: r for r in compare_scalings(S, scalings=["jacobi", "optimal"],
                                                optimal=options)}  # fmt: skip
    assert rows["optimal"].best.lower <= rows["jacobi"].kappa.upper
    assert rows["optimal"].kappa.lower <= rows["jacobi"].kappa.upper
    assert rows["optimal"].within < 1.01


def test_strict_comparisons_refuse_zero_lines_and_undefined_scalings():
    A = np.array([[1.0, 2.0], [0.0, 0.0]])
    with pytest.raises(condlab.SingularMatrixError):
        compare_scalings(A, strict=True, scalings=["row"])
    assert np.isinf(compare_scalings(A)[0].kappa.value)
    with pytest.raises(ValueError, match="square matrix"):
        compare_scalings(np.ones((2, 3)), strict=True, scalings=["jacobi"])
    with pytest.raises(ValueError, match="and not 'rows'"):
        compare_scalings(A, scalings=["rows"])


def test_power_of_two_multipliers_are_exact_in_every_scaling():
    S = condlab.gallery.hilbert(4)
    for row in compare_scalings(S, rounding="power-of-two")[1:]:
        for multipliers in (row.scaling.left, row.scaling.right):
            assert multipliers is None or (np.frexp(multipliers)[0] == 0.5).all()


def test_a_comparison_prints_as_a_table_and_becomes_a_data_frame():
    pd = pytest.importorskip("pandas")
    rows = compare_scalings(np.eye(3, 2) + 1, scalings=["row", "jacobi"])
    lines = str(rows).splitlines()
    assert lines[0].split()[:2] == ["scaling", "kappa_2"]
    assert lines[2].startswith("row ")
    assert lines[3].startswith("no jacobi scaling: ")
    assert rows._repr_html_().count("<tr>") == 3
    frame = rows.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame.loc["row", "value"] == rows[1].kappa.value
