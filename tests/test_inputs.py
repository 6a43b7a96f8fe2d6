"""Features normalised, against exact rationals and at the ends of the range."""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from condlab import normalise_inputs

U = 2.0**-53
METHODS = ("min-max", "z-score", "robust")
TINY = 5e-324  # the least positive number
LARGE = 1.7976931348623157e308
COLUMNS = {
    "units": [1.0, 2.0, 4.0, 8.0, 3.0],
    "offset": [1e16, 1e16 + 2, 1e16 + 4, 1e16 + 10],
    "last bit": [1.0, 1 + 2.0**-52, 1.0],
    "thirds": [0.1, 0.2, 0.7, 0.1, -0.3],
    "ends of the range": [-LARGE, LARGE, 1e308, 0.0],
    "far beyond squares": [1e200, -3e200, 2e199],
    "subnormal": [TINY, 3 * TINY, 0.0, 8 * TINY],
    "small squares": [1e-200, 5e-200, -2e-200],
    "one far away": [0.0, 0.0, 1e-300, 1e300],
    "two": [3.0, 5.0],
}


def quartile(values, quarters):
    place = Fraction((len(values) - 1) * quarters, 4)
    k = math.floor(place)
    after = min(k + 1, len(values) - 1)
    return values[k] + (place - k) * (values[after] - values[k])


def centre_and_spread(column, method):
    """Return them as exact rationals; of z-scores the square of the spread."""
    x = sorted(map(Fraction, column))
    if method == "min-max":
        return x[0], x[-1] - x[0]
    if method == "robust":
        return quartile(x, 2), quartile(x, 3) - quartile(x, 1)
    mean = sum(x) / len(x)
    return mean, sum((value - mean) ** 2 for value in x) / len(x)


def check(column, others, method, found):
    """Compare with the exact quotient, by its square where the spread has a root.

    Sums of n terms have errors of n u each, here twice, of numbers that may be n u of
    the mean away: n² u in all, in the units of spread; the quotient adds some more.
    """
    centre, spread = centre_and_spread(column, method)
    tolerance = (len(column) + 8) ** 2 * U
    for x, y in zip(others, found, strict=True):
        exact = Fraction(x) - centre
        if method == "z-score":
            size = math.isqrt(int(exact**2 / spread * 10**40)) / 10**20
            quotient = size if exact > 0 else -size
        else:
            quotient = float(exact / spread)
        assert y == pytest.approx(quotient, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_every_method_is_its_formula_in_exact_arithmetic(method, column):
    A = np.array(column)[:, None]
    found = normalise_inputs(A, method=method)
    assert found.flat == (() if centre_and_spread(column, method)[1] else (0,))
    if not found.flat:
        check(column, column, method, found.apply(A)[:, 0])


SHORT = arrays(
    np.float64, st.integers(2, 8), elements=st.floats(allow_nan=False,
                                                      allow_infinity=False),
)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@given(column=SHORT)
def test_any_floats_are_normalised_as_in_exact_arithmetic(method, column):
    found = normalise_inputs(column[:, None], method=method)
    assert bool(found.flat) == (centre_and_spread(column, method)[1] == 0)
    if not found.flat and method != "robust":  # whose quotients have no bound
        check(column, column, method, found.apply(column[:, None])[:, 0])


@pytest.mark.parametrize("method", METHODS)
def test_powers_of_two_as_units_change_no_bit(method):
    A = np.random.default_rng(0).standard_normal((9, 4))
    units = 2.0 ** np.array([0, 900, -900, 5])
    found, scaled = (normalise_inputs(X, method=method) for X in (A, A * units))
    assert np.array_equal(found.apply(A), scaled.apply(A * units))


def test_the_training_data_have_the_statistics_that_the_method_says():
    A = np.random.default_rng(1).lognormal(size=(101, 3)) * [1, 1e12, 1e-9]
    z = normalise_inputs(A).apply(A)
    assert z.mean(axis=0) == pytest.approx(0, abs=101 * U)
    assert z.std(axis=0) == pytest.approx(1, rel=101 * U)
    low, middle, high = np.quantile(
        normalise_inputs(A, method="robust").apply(A), (0.25, 0.5, 0.75), axis=0
    )
    assert middle == pytest.approx(0, abs=4 * U)
    assert high - low == pytest.approx(1, rel=8 * U)


@pytest.mark.parametrize("bounds", [(0, 1), (-1, 1), (-0.1, 0.3), (1e-3, 7)])
def test_training_data_stay_within_their_bounds_and_meet_both(bounds):
    A = np.random.default_rng(2).standard_normal((200, 5))
    Y = normalise_inputs(A, method="min-max", bounds=bounds).apply(A)
    assert np.array_equal(Y.min(axis=0), np.full(5, bounds[0], dtype=float))
    assert np.array_equal(Y.max(axis=0), np.full(5, bounds[1], dtype=float))


def test_other_data_are_normalised_by_the_training_datas_statistics():
    found = normalise_inputs([[0.0], [4.0]], method="min-max", bounds=(-1, 1))
    assert found.apply([[-4.0], [2.0], [8.0]]).tolist() == [[-3.0], [0.0], [3.0]]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, LARGE, TINY])
def test_constant_features_are_shifted_keep_their_unit_and_are_named(method, value):
    A = np.array([[1.0, value], [2.0, value], [5.0, value]])
    found = normalise_inputs(A, method=method)
    assert found.flat == (1,)
    assert found.apply(A)[:, 1].tolist() == [0.0, 0.0, 0.0]
    assert found.apply([[1.0, 0.25]])[0, 1] == 0.25 - value
    with pytest.raises(ValueError, match=f"by {method} feature 1 has none"):
        normalise_inputs(A, method=method, strict=True)


def test_a_constant_feature_goes_to_the_lower_bound():
    found = normalise_inputs([[7.0], [7.0]], method="min-max", bounds=(-1, 1))
    assert found.apply([[7.0]]).tolist() == [[-1.0]]


def test_a_feature_whose_middle_half_is_equal_has_no_robust_spread():
    A = [[0.0], [0.0], [0.0], [0.0], [9.0]]
    found = normalise_inputs(A, method="robust")
    assert found.flat == (0,)
    assert found.apply(A)[:, 0].tolist() == [0, 0, 0, 0, 9]


def test_centre_and_spread_are_told_in_the_features_units():
    found = normalise_inputs([[1.0, 2e300], [3.0, 6e300]])
    assert found.centre == pytest.approx([2.0, 4e300], rel=4 * U)
    assert found.spread == pytest.approx([1.0, 2e300], rel=4 * U)


def test_a_quotient_beyond_floats_is_infinite_and_nothing_else_is():
    found = normalise_inputs([[0.0], [TINY]], method="min-max")
    assert found.apply([[LARGE], [-LARGE], [TINY]])[:, 0].tolist() == [
        math.inf, -math.inf, 1.0,
    ]  # fmt: skip
    wide = normalise_inputs([[-LARGE], [LARGE]], method="min-max", bounds=(-1, 1))
    assert wide.apply([[0.0], [LARGE]])[:, 0].tolist() == [0.0, 1.0]


def test_integers_single_precision_and_lists_are_taken():
    whole = normalise_inputs(np.array([[1], [3]]), method="min-max")
    assert whole.apply([[2]]).tolist() == [[0.5]]
    A = np.array([[3e38], [-3e38], [1e38]], dtype=np.float32)
    Y = normalise_inputs(A).apply(A)
    assert Y.dtype == np.float32
    assert Y.std() == pytest.approx(1, rel=2.0**-20)


def test_arguments_are_not_written_to():
    A = np.array([[1.0, 2.0], [3.0, 5.0]])
    kept = A.copy()
    normalise_inputs(A, method="robust").apply(A)
    assert np.array_equal(A, kept)


BAD = {
    "nan": ([[1.0], [math.nan]], {}, r"finite.*\(1, 0\)"),
    "inf": ([[1.0, math.inf]], {}, r"finite.*\(0, 1\)"),
    "complex": (np.array([[1j], [2]]), {}, "must be real"),
    "vector": ([1.0, 2.0], {}, r"2-D.*\(2,\)"),
    "no rows": (np.zeros((0, 3)), {}, "one row or more"),
    "method": ([[1.0]], {"method": "zscore"}, "method must be one of"),
    "bounds": ([[1.0]], {"bounds": (1, 0)}, "the lower one first"),
    "names": ([[1.0]], {"bounds": ("low", "high")}, "two finite numbers.*'low'"),
    "one bound": ([[1.0]], {"bounds": 1.0}, "two finite numbers.*got 1.0"),
    "width": ([[1.0]], {"bounds": (-LARGE, LARGE)}, "finite numbers"),
}


@pytest.mark.parametrize(("A", "options", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_normalised_is_refused_in_one_sentence(A, options, said):
    with pytest.raises(ValueError, match=said) as caught:
        normalise_inputs(A, **options)
    assert "\n" not in str(caught.value)


def test_other_numbers_of_features_and_bad_entries_are_refused_on_applying():
    found = normalise_inputs([[1.0, 2.0], [3.0, 5.0]])
    with pytest.raises(ValueError, match="statistics of 2 features, got rows of 3"):
        found.apply([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="finite"):
        found.apply([[1.0, math.nan]])
    with pytest.raises(ValueError, match="must be real"):
        found.apply([[1.0, 1j]])


def test_sparse_features_are_refused_with_what_to_do_instead():
    A = sp.csr_array([[1.0, 2.0], [3.0, 5.0]])
    with pytest.raises(TypeError, match=r"toarray\(\)"):
        normalise_inputs(A)
    with pytest.raises(TypeError, match=r"toarray\(\)"):
        normalise_inputs(A.toarray()).apply(A)


def test_no_features_and_no_rows_to_apply_to_give_none():
    assert normalise_inputs(np.zeros((2, 0))).apply(np.zeros((3, 0))).shape == (3, 0)
    assert normalise_inputs([[1.0], [2.0]]).apply(np.zeros((0, 1))).shape == (0, 1)


@pytest.mark.parametrize("method", METHODS)
def test_tensors_are_normalised_as_arrays_and_differentiated_through(method):
    torch = pytest.importorskip("torch")
    A = np.random.default_rng(3).standard_normal((7, 3)) * [1, 1e300, 1e-310]
    found = normalise_inputs(torch.tensor(A), method=method)
    Y = found.apply(torch.tensor(A))
    assert isinstance(Y, torch.Tensor)
    assert np.array_equal(Y.numpy(), normalise_inputs(A, method=method).apply(A))
    x = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float32, requires_grad=True)
    other = normalise_inputs(A[:, [0, 0, 0]] * 4, method=method)
    y = other.apply(x)
    assert y.dtype == torch.float32
    y.sum().backward()
    assert x.grad.numpy() == pytest.approx(1 / other.spread[None], rel=2.0**-20)
