"""The claims about polynomials of weights and updates, and their proofs."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from condlab._levels import LEVELS
from condlab.theory import CATALOGUE, verify
from condlab.theory.catalogue import claims_of
from condlab.theory.claims.weight_conditioning import polynomial
from tests.theory.outcomes import first_to_fall, outcomes

FALSE = {claim.key for claim in claims_of(vars(polynomial)) if claim.false_from}


@pytest.mark.parametrize(
    "key", sorted({c.key for c in claims_of(vars(polynomial))} - FALSE)
)
def test_true_claims_survive(key):
    verdicts = verify(CATALOGUE[key], sizes=[1, 2, 3], max_examples=16)
    assert set(outcomes(verdicts)) == {"holds"}


@pytest.mark.parametrize("key", sorted(FALSE))
def test_false_claims_fall_at_their_smallest_size(key):
    verdicts = verify(CATALOGUE[key], sizes=[1, 2], max_examples=200)
    assert first_to_fall(verdicts) == CATALOGUE[key].false_from
    assert " > rhs" in verdicts[-1].certificate


def positive_on_the_unit_interval(c, depth=12):
    """Tell whether sum c_k y^k > 0 on [0, 1], by Bernstein's coefficients in rationals.

    They bound the polynomial from below; where one is not positive, halve and try anew.
    """
    n = len(c) - 1
    b = [
        sum(Fraction(comb(i, k), comb(n, k)) * c[k] for k in range(i + 1))
        for i in range(n + 1)
    ]
    if min(b) > 0:
        return True
    if depth == 0 or b[0] <= 0 or b[-1] <= 0:
        return False
    half = [c_k / 2**k for k, c_k in enumerate(c)]
    moved = [sum(half[j] * comb(j, k) for j in range(k, n + 1)) for k in range(n + 1)]
    return all(positive_on_the_unit_interval(x, depth - 1) for x in (half, moved))


@pytest.mark.parametrize("level", LEVELS)
def test_no_level_raises_kappa_by_exact_arithmetic(level):
    """p(x) / x falls and x p(x) rises: with y = x^2, q falls and y q(y) rises."""
    q = LEVELS[level]
    falling = [-(k + 1) * q[k + 1] for k in range(len(q) - 1)]
    rising = [(k + 1) * c for k, c in enumerate(q)]
    assert positive_on_the_unit_interval(falling)
    assert positive_on_the_unit_interval(rising)
    assert sum(q) == 1  # so p > 0 as well: p(x) / x is at least p(1)


def test_exact_test_of_positivity_sees_a_dip():
    assert not positive_on_the_unit_interval(
        [Fraction(1, 5), Fraction(-1), Fraction(1)]
    )
    assert positive_on_the_unit_interval([Fraction(3, 10), Fraction(-1), Fraction(1)])


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 3)])
@pytest.mark.parametrize("level", LEVELS)
def test_kappa_is_that_of_the_polynomial_in_the_matrix(level, shape):
    W = np.random.default_rng(level).standard_normal(shape)
    X = W / np.linalg.norm(W, 2)
    powers = [np.linalg.matrix_power(X @ X.T, k) @ X for k in range(5)]
    image = sum(float(c) * P for c, P in zip(LEVELS[level], powers, strict=False))
    margin = CATALOGUE["wang2026-polynomial-kappa"].check((W, level))
    found = (margin.lhs, margin.rhs)
    assert found == pytest.approx((np.linalg.cond(image), np.linalg.cond(W)))


def test_update_of_two_near_singular_values_comes_apart():
    torch = pytest.importorskip("torch")
    G = np.diag([8.0, 7.0])
    margin = CATALOGUE["jordan2024-newton-schulz-kappa"].check(G)
    p = torch.nn.Parameter(torch.zeros(2, 2))
    p.grad = torch.from_numpy(G).float()
    torch.optim.Muon([p], lr=1.0, weight_decay=0.0).step()
    update = np.linalg.cond(-p.detach().numpy())
    assert margin.lhs == pytest.approx(update, rel=0.05)  # of bfloat16, 40 roundings
