"""What comes in is what is computed with: exact entries, any class of array."""

from __future__ import annotations

import warnings
from decimal import Decimal
from fractions import Fraction

import array_api_strict
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import condlab
from condlab import _arrays, _entries

BIG = 2**60 + 1
UNIMODULAR = [[BIG, 1], [2**60, 1]]  # the determinant is 1; rounded it would be 0
A = np.array([[3.0, 1, 0], [100, 2, 5], [0, 7, 1e-3]])
Z = torch.tensor(A + 1j * A.T)


def plain(B):
    """Return any container as a NumPy array of double precision."""
    if sp.issparse(B):
        return B.toarray()
    if isinstance(B, torch.Tensor):
        B = B.detach().resolve_conj().resolve_neg()
        return B.to(torch.complex128 if B.is_complex() else torch.float64).numpy()
    return np.asarray(B)


# ---- integers that float64 cannot hold -------------------------------------------

HOLDERS = {
    "lists": lambda M: M,
    "int64": lambda M: np.array(M, np.int64),
    "uint64": lambda M: np.array(M, np.uint64),
    "objects": lambda M: np.array(M, object),
    "strict": lambda M: array_api_strict.asarray(np.array(M, np.int64)),
    "torch": lambda M: torch.tensor(M),
    "torch uint64": lambda M: torch.tensor(M, dtype=torch.uint64),
    "csr": lambda M: sp.csr_array(np.array(M)),
    "csc": lambda M: sp.csc_array(np.array(M, np.uint64)),
    "coo": lambda M: sp.coo_array(np.array(M)),
    "lil": lambda M: sp.lil_array(np.array(M)),
}
ASKED = {
    "van_der_sluis": condlab.van_der_sluis,
    "optimal": condlab.optimal_scaling,
    "cond": condlab.cond_2,
    "row": condlab.row_scaling,
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_integer_that_would_be_rounded_is_refused_by_its_place(hold, ask):
    with pytest.raises(ValueError, match=rf"{BIG} at index \(0, 0\).*divide by"):
        ask(hold(UNIMODULAR))


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_large_integers_that_float64_holds_stay_what_they_are(hold):
    M = [[2**60, 1], [2**53, 2**62 + 2**10]]
    assert_array_equal(plain(_arrays.as_float(hold(M))), np.array(M, dtype=float))


@pytest.mark.parametrize("container", [sp.coo_array, sp.csr_array, sp.csc_array])
def test_only_integers_given_twice_may_add_up_to_too_much(container):
    places = ([0, 1, 1], [0, 0, 0])  # in no canonical format, and once at (0, 0)
    S = container(sp.coo_array((np.array([2**60, 3, 4]), places), shape=(2, 1)))
    assert_array_equal(plain(_arrays.as_float(S)), [[2.0**60], [7]])
    S = sp.coo_array((np.array([1, 2**53, 1]), places), shape=(2, 1))
    with pytest.raises(ValueError, match=r"given twice .*9\.007e\+15"):
        _arrays.as_float(S)


def test_lists_of_half_precision_are_taken_without_a_warning():
    half = np.array([[1.0, 2.0], [3.0, 5.0]], np.float16)
    assert condlab.cond_2([list(row) for row in half]) == condlab.cond_2(half)


@given(x=st.integers(-(2**63), 2**63 - 1))
def test_first_rounded_agrees_with_exact_comparison(x):
    expected = None if int(float(x)) == x else 0
    assert _entries.first_rounded(np.array([x], np.int64)) == expected
    if x >= 0:
        assert _entries.first_rounded(np.array([x], np.uint64)) == expected


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_the_first_integer_that_float64_lacks_is_refused(hold):
    assert_array_equal(plain(_arrays.as_float(hold([[2**53, 1]]))), [[2.0**53, 1]])
    with pytest.raises(ValueError, match=rf"{2**53 + 1} at index \(0, 0\)"):
        _arrays.as_float(hold([[2**53 + 1, 1]]))


@given(k=st.integers(0, 10), e=st.integers(53, 63), sign=st.sampled_from([-1, 1]))
def test_first_rounded_is_right_beside_powers_of_two(k, e, sign):
    for x in (2**e + sign * 2**k, 2**e + sign * 2 ** (e - 53), 2**64 - 2**k):
        expected = None if int(float(x)) == x else 0
        assert _entries.first_rounded(np.array([x], np.uint64)) == expected


ROUNDED = {
    "beside a float": [[BIG, 0.5], [1, 2]],
    "the first beside a float": [[2**53 + 1, 0.5], [1, 2]],
    "beside a negative number": [[2**63 + 1, -1], [1, 1]],
    "beside a complex number": [[BIG, 1j], [1, 2]],
    "beyond 64 bits": [[2**70 + 1, 1], [1, 1]],
    "beyond the range": [[10**400, 1], [1, 1]],
    "rows as arrays": [np.array([BIG, 1]), np.array([0.5, 1.0])],
    "a third": [[Fraction(1, 3), 1]],
    "a decimal": [[Decimal("0.1"), 1]],
    "in an object array": np.array([[Fraction(1, 3)]], dtype=object),
}


@pytest.mark.parametrize("M", ROUNDED.values(), ids=ROUNDED)
def test_python_numbers_that_would_be_rounded_are_refused(M):
    with pytest.raises(ValueError, match=r"as it is, got .* at index \(0, 0\)"):
        condlab.cond_2(M)


def test_exact_python_numbers_are_taken():
    M = np.array([[Fraction(1, 2), 2**70], [Decimal("0.25"), True]], dtype=object)
    assert_array_equal(_arrays.as_float(M), [[0.5, 2.0**70], [0.25, 1]])
    assert_array_equal(_arrays.as_float([[1j, Fraction(1, 4)]]), [[1j, 0.25]])


@pytest.mark.parametrize("entry", [np.longdouble(1) / 3, "1", None, object(), {}])
def test_what_is_no_double_or_no_number_is_refused_by_name(entry):
    name = "float128|longdouble|<U1|NoneType|object|dict"
    with pytest.raises(TypeError, match=f"got .*({name}).*convert it to float64"):
        condlab.cond_2([[entry, entry]])


def test_duplicates_of_integers_are_added_exactly_or_refused():
    def twice(a, b, dtype=np.int64):
        entries = np.array([a, b, 1], dtype)
        return sp.coo_array((entries, ([0, 0, 1], [0, 0, 1])), shape=(2, 2))

    with pytest.raises(ValueError, match="add them first"):
        condlab.cond_2(twice(2**53, 1))
    with pytest.raises(ValueError, match="add them first"):
        condlab.cond_2(twice(2**62, 2**62))  # would wrap round in int64
    assert condlab.cond_2(twice(100, 100, np.int8)).value == 200


def test_entries_given_twice_that_add_up_to_infinity_are_refused():
    M = sp.coo_array(([1e308, 1e308], ([0, 0], [1, 1])), shape=(2, 2))
    with pytest.raises(ValueError, match=r"twice that add up to inf at index \(0, 1\)"):
        condlab.row_scaling(M)


# ---- classes of arrays -----------------------------------------------------------


class Own(np.ndarray):
    pass


def matrix(M):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.matrix(M)


def read_only(M):
    M = M.copy()
    M.flags.writeable = False
    return M


KEPT = {
    "float64": (A, np.float64),
    "float32": (A.astype("f4"), np.float32),
    "float16": (A.astype("f2"), np.float32),
    "big-endian": (A.astype(">f8"), np.float64),
    "big-endian single": (A.astype(">f4"), np.float32),
    "read-only": (read_only(A), np.float64),
    "reversed": (A[::-1, ::-1], np.float64),
    "matrix": (matrix(A), np.float64),
    "subclass": (A.view(Own), np.float64),
    "unmasked": (np.ma.array(A), np.float64),
    "strict": (array_api_strict.asarray(A), array_api_strict.float64),
    "torch": (torch.tensor(A), torch.float64),
    "torch float32": (torch.tensor(A).float(), torch.float32),
    "torch bfloat16": (torch.tensor(A).bfloat16(), torch.float32),
    "torch with gradient": (torch.tensor(A, requires_grad=True), torch.float64),
    "torch transposed": (torch.tensor(A).mT, torch.float64),
    "torch negative view": (Z.conj().imag, torch.float64),
    "csr": (sp.csr_array(A), np.float64),
    "csr matrix": (sp.csr_matrix(A), np.float64),
    "csc float32": (sp.csc_array(A.astype("f4")), np.float32),
    "bsr": (sp.bsr_array(A), np.float64),
    "dia": (sp.dia_array(A), np.float64),
}


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize(
    "scaling",
    [condlab.row_scaling, condlab.row_column_scaling, condlab.optimal_scaling],
)
def test_applied_scaling_keeps_container_and_precision(scaling, name):
    M, dtype = KEPT[name]
    found = scaling(M)
    found = found.scaling if hasattr(found, "scaling") else found
    B = found.apply(M)
    assert type(B) is type(M)
    assert B.dtype == dtype
    expected = plain(M) * plain(found.left)[:, None]
    if found.right is not None:
        expected = expected * plain(found.right)
    eps = 2.0**-23 if "32" in str(dtype) else 2.0**-51
    assert_allclose(plain(B), expected, rtol=2 * eps)
    assert_array_equal(plain(M), plain(KEPT[name][0]))


def test_a_column_that_is_a_matrix_stays_a_column():
    column = sp.csr_matrix(A[:, :1]).todense()
    assert condlab.row_scaling(column).apply(column).shape == (3, 1)
    assert_array_equal(condlab.row_norms(column), np.abs(A[:, 0]))


def test_memory_maps_are_read_and_never_written(tmp_path):
    M = np.memmap(tmp_path / "A", dtype=float, mode="w+", shape=A.shape)
    M[:] = A
    assert_array_equal(condlab.row_scaling(M).apply(M), condlab.row_scaling(A).apply(A))
    assert_array_equal(M, A)


def test_data_frames_are_read_by_value():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(A)
    assert condlab.cond_2(frame) == condlab.cond_2(A)
    assert_array_equal(
        condlab.row_scaling(frame).apply(frame), condlab.row_scaling(A).apply(A)
    )
    mixed = pandas.DataFrame({"a": [BIG, 1], "b": [0.5, 1.0]})
    with pytest.raises(ValueError, match=f"got {BIG}"):  # pandas would round it
        condlab.cond_2(mixed)


@pytest.mark.parametrize(
    "M", [Z.mH, Z.conj(), Z.mH.real, Z.conj().imag, -Z.conj().imag]
)
def test_lazy_conjugates_and_negatives_of_torch_are_read(M):
    expected = np.linalg.cond(plain(M))
    assert_allclose(condlab.cond_2(M).value, expected, rtol=1e-9)
    assert condlab.van_der_sluis(M) == condlab.van_der_sluis(plain(M))


def test_masked_entries_are_refused_not_read_through_the_mask():
    M = np.ma.array(A, mask=A == 7)
    for ask in (condlab.cond_2, condlab.row_scaling, condlab.Scaling().apply):
        with pytest.raises(ValueError, match=r"index \(2, 1\) is masked; .*filled"):
            ask(M)


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch on its own sparse ones
def test_sparse_and_quantised_tensors_are_refused_in_one_sentence():
    for M in (torch.eye(3).to_sparse(), torch.eye(3).to_sparse_csr()):
        for ask in (condlab.cond_2, condlab.row_scaling, condlab.Scaling().apply):
            with pytest.raises(TypeError, match=r"layout torch\.sparse_.*to_dense"):
                ask(M)
    with pytest.raises(TypeError, match="quantised one"):
        condlab.cond_2(torch.quantize_per_tensor(torch.eye(3), 1.0, 0, torch.quint8))


def test_multipliers_beyond_single_precision_round_once():
    M = np.array([[1e-30, 2e-30]], dtype=np.float32)
    B = condlab.Scaling(left=np.array([1e45])).apply(M)  # no float32 is 1e45
    assert B.dtype == np.float32
    assert_array_equal(B, (M.astype(float) * 1e45).astype(np.float32))


def test_ragged_rows_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match="rows of equal length"):
        condlab.cond_2([[1, 2], [3]])
