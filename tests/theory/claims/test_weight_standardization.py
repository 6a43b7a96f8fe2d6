"""The claims of "Weight standardization" against NumPy and hand computation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from condlab.theory import CATALOGUE, balls, strategies, verify
from condlab.theory.catalogue import claims_of
from condlab.theory.claims.weight_standardization import (
    epsilon,
    epsilon_scales,
    gradients,
    smoothness,
    standardised_gradients,
)
from condlab.theory.vocabulary import series, standardization
from tests.theory.outcomes import outcomes

FILES = (
    gradients,
    standardised_gradients,
    smoothness,
    epsilon,
    epsilon_scales,
)

KEYS = [entry.key for file in FILES for entry in claims_of(vars(file))]

FALSE = {key: CATALOGUE[key].false_from for key in KEYS if CATALOGUE[key].false_from}
FEW, MANY = 16, 100  # examples a size

CLOSE = 1e-12  # float64 against balls, for well-conditioned sums of a few terms
W = np.array([3.0, -1.0, 0.5, 2.0])
G = np.array([1.0, 2.0, -1.0, 4.0])


@pytest.mark.parametrize("key", sorted(set(KEYS) - set(FALSE)))
def test_true_claims_survive(key):
    verdicts = verify(CATALOGUE[key], sizes=[1, 2, 3], max_examples=FEW)
    assert set(outcomes(verdicts)) == {"holds"}


@pytest.mark.parametrize("key", FALSE)
def test_false_claims_fall_at_their_smallest_size(key):
    claim, smallest = CATALOGUE[key], FALSE[key]
    below = [
        verify(claim, sizes=[size], max_examples=FEW)[0] for size in range(1, smallest)
    ]
    assert set(outcomes(below)) <= {"holds"}
    (last,) = verify(claim, sizes=[smallest], max_examples=MANY)
    assert last.outcome == "falsified"
    assert " > rhs" in last.certificate


def floats(x):
    return np.array([float(y.mid()) for y in np.ravel(x)]).reshape(np.shape(x))


@given(A=strategies.symmetric(3), x=strategies.vectors(3))
def test_derivatives_of_a_quadratic_are_exact(A, x):
    A, x = balls.ball(A), balls.ball(x)
    found = series.gradient(lambda y: y @ A @ y / 2, x)
    assert all(a.contains(b) for a, b in zip(found, A @ x, strict=True))
    found = series.hessian(lambda y: y @ A @ y / 2, x)
    assert all(a.contains(b) for a, b in zip(found.ravel(), A.ravel(), strict=True))


def test_derivatives_of_a_norm_are_its_direction_and_the_projection_over_it():
    x = np.array([3.0, 0.0, 4.0])
    found = series.gradient(lambda y: (y @ y).sqrt(), balls.ball(x))
    assert floats(found) == pytest.approx(x / 5, abs=CLOSE)
    found = series.hessian(lambda y: (y @ y).sqrt(), balls.ball(x))
    projection = np.eye(3) - np.outer(x, x) / 25
    assert floats(found) == pytest.approx(projection / 5, abs=CLOSE)


def standardised(w):
    return (w - w.mean()) / w.std()


def slope(f, x, h=1e-5):
    """Return central differences, good to h^2 and to rounding over h: about 1e-9."""
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))])


def test_gradients_of_a_channel_are_those_of_central_differences():
    c = standardization.channel(balls.ball(W), balls.ball(G))
    assert floats(c.what) == pytest.approx(standardised(W), abs=CLOSE)
    assert float(c.sigma.mid()) == pytest.approx(W.std(), rel=CLOSE)
    by_w = slope(lambda w: G @ standardised(w), W)
    assert floats(c.by_w) == pytest.approx(by_w, abs=1e-8)
    dot = W - W.mean()
    by_dot = slope(lambda v: G @ v / np.sqrt(np.mean(v * v)), dot)
    assert floats(c.by_dot) == pytest.approx(by_dot, abs=1e-8)


def test_equation_8_as_printed_says_zero_for_two_weights():
    # What = (-1, 1), sigma = 1/2: the gradient by Wdot is (1, 1), that by W is 0.
    c = standardization.channel(
        balls.ball(np.array([0.0, 1.0])), balls.ball(np.array([0.0, 1.0]))
    )
    assert floats(c.by_dot) == pytest.approx([1, 1], abs=CLOSE)
    assert floats(c.by_w) == pytest.approx([0, 0], abs=CLOSE)
    found, said = gradients.equation_8(c, c.by_w)
    assert floats(said) == pytest.approx([0, 0], abs=CLOSE)
    found, said = gradients.equation_8(c, c.by_hat)
    assert floats(said) == pytest.approx(floats(found), abs=CLOSE)


def test_equation_8_reduces_nothing_only_under_a_following_normalisation():
    w, X = np.array([1.0, 2.0, 6.0]), np.array([[1.0, 0, 2], [0, 1, 1], [3, 1, 0]])
    r = np.array([1.0, -2.0, 5.0])

    def loss(v):
        y = X @ v
        return r @ ((y - y.mean()) / y.std())

    what = standardised(w)
    assert what @ slope(loss, what) == pytest.approx(0, abs=1e-8)
    assert abs(what @ slope(lambda v: r @ X @ v, what)) > 0.1
    assert not CATALOGUE["ws-eq12-vanishes"].check((X, w, r)).violated


def test_sigma_kept_multiplies_the_gradient():
    w, g = np.array([0.0, 1.0]), np.array([1.0, 1.0])
    kept = CATALOGUE["ws-eq12-sigma-kept"].check((w, g))
    assert kept.ratio == pytest.approx(2, rel=CLOSE)
    assert CATALOGUE["ws-eq12"].check((w, g)).ratio == pytest.approx(1, rel=CLOSE)


@given(A=strategies.symmetric(4))
def test_hessian_by_the_weights_is_projected_on_both_sides(A):
    P = np.eye(4) - np.ones((4, 4)) / 4
    squared = CATALOGUE["ws-eq19-squared"].check(A)
    total = A.sum() ** 2 / 16
    expected = np.linalg.norm(P @ A @ P) ** 2 + total
    # Entries of P A P are sums of 16 terms, each rounded a few times.
    scale = 1e-13 * (1 + np.abs(A).max() ** 2)
    assert squared.lhs == pytest.approx(expected, rel=1e-12, abs=scale)
    assert squared.rhs == pytest.approx(np.linalg.norm(A) ** 2, rel=1e-12)


def test_squared_reduction_is_attained_by_equal_row_sums_and_printed_one_fails():
    ones = np.ones((3, 3))
    assert CATALOGUE["ws-eq19-squared"].check(ones).ratio == pytest.approx(1)
    # 0 <= 3 - 81/9 is what equation 19 prints.
    printed = CATALOGUE["ws-eq19"].check(ones)
    assert (printed.lhs, printed.rhs) == pytest.approx((9, 3))


def test_asymmetric_matrices_are_outside_the_claim_about_all_entries():
    # The last line of equation 19 needs the column sums too, here all zero.
    A = np.array([[1.0, 1.0], [-1.0, -1.0]])
    assert not CATALOGUE["ws-eq19-squared"].admits(A)


def test_linear_loss_gets_a_hessian_from_the_standardisation():
    w, g, zero = np.array([1.0, 2.0, 6.0]), np.array([1.0, 0, 0]), np.zeros((3, 3))

    def by_w(w):
        return slope(lambda v: g @ standardised(v), w, h=1e-4)

    H = slope(by_w, w, h=1e-4)
    margin = CATALOGUE["ws-eq19-hat"].check((zero, g, w))
    assert margin.rhs == 1
    # Second differences with h = 1e-4 are good to about 1e-7.
    assert margin.lhs - 1 == pytest.approx(np.linalg.norm(H), abs=1e-5)


VARIANTS = {
    "paper": lambda w, eps: (w - w.mean()) / (w.std() + eps),
    "code": lambda w, eps: (w - w.mean()) / (w.std(ddof=1) + eps),
    "page": lambda w, eps: (w - w.mean()) / (w + eps).std(),
    "root": lambda w, eps: (w - w.mean()) / np.sqrt(w.var() + eps),
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("eps", [1.0, 1e-5])
def test_variants_are_those_of_numpy(name, eps):
    found = getattr(epsilon, name)(balls.ball(W), balls.ball(eps))
    assert floats(found) == pytest.approx(VARIANTS[name](W, eps), rel=CLOSE)


@given(w=strategies.vectors(4).filter(lambda w: w.std() > 0), k=st.integers(0, 20))
def test_paper_and_code_differ_by_at_most_the_factor_of_bessel(w, k):
    paper, code = (VARIANTS[name](w, 2.0**-k) for name in ("paper", "code"))
    share = np.linalg.norm(paper - code) / np.linalg.norm(paper)
    assert 0 < share <= 1 - np.sqrt(3 / 4)
    margin = CATALOGUE["ws-eps-paper-code-difference"].check((w, 2.0**-k))
    assert margin.ratio == pytest.approx(share / (1 - np.sqrt(3 / 4)), rel=1e-9)


def test_pair_of_weights_is_standardised_root_two_apart_by_paper_and_code():
    w = np.array([0.0, 1.0])
    assert VARIANTS["paper"](w, 0) == pytest.approx([-1, 1])
    assert VARIANTS["code"](w, 0) == pytest.approx([-(0.5**0.5), 0.5**0.5])
    assert not CATALOGUE["ws-eps-paper-code-without-eps"].check(w).violated


def test_root_of_two_separates_eps_inside_and_outside_at_sigma_equal_eps():
    w = np.array([0.0, 2.0])  # sigma = 1
    margin = CATALOGUE["ws-eps-paper-root-within"].check((w, 1.0))
    assert margin.ratio == pytest.approx(1, rel=CLOSE)
