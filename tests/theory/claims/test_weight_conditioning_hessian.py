"""Theorem 5.2 and its hypothesis of full rank, against autograd and closed forms."""

import numpy as np
import pytest
import torch

from condlab.theory import balls, verify
from condlab.theory.catalogue import claims_of
from condlab.theory.claims.weight_conditioning import theorem_52 as claims
from tests.theory.outcomes import outcomes

BY_KEY = {entry.key: entry for entry in claims_of(vars(claims))}
FALSE = [key for key, each in BY_KEY.items() if each.false_from == 2]


def floats(H):
    return np.vectorize(float)(H)


def second_derivatives(loss, w):
    found = torch.autograd.functional.hessian(loss, torch.as_tensor(w))
    return found.reshape(w.size, w.size).numpy()


@pytest.mark.parametrize("key", FALSE)
def test_false_claims_fall_at_size_two_and_not_before(key):
    one, two = verify(BY_KEY[key], sizes=(1, 2), max_examples=40, seed=0)
    assert one.outcome != "falsified"
    assert two.outcome == "falsified"
    assert two.certificate


@pytest.mark.parametrize("key", [key for key in BY_KEY if key not in FALSE])
def test_corrected_claims_hold(key):
    verdicts = verify(BY_KEY[key], sizes=(1, 2, 3), max_examples=15, seed=0)
    assert set(outcomes(verdicts)) == {"holds"}


def test_hessians_over_balls_agree_with_autograd():
    rng = np.random.default_rng(0)
    w, X, y = rng.normal(size=3), rng.normal(size=(3, 4)), rng.normal(size=4)
    conditioned, plain = claims._inside(*balls.ball((w, X, y)))
    tX, ty = torch.as_tensor(X), torch.as_tensor(y)
    unit = second_derivatives(lambda v: ((v @ tX / v.norm() - ty) ** 2).sum() / 2, w)
    # Both are rounded once or twice per operation: a few hundred ulp of the norm.
    np.testing.assert_allclose(
        floats(conditioned), unit, atol=1e-13 * np.abs(unit).max()
    )
    np.testing.assert_allclose(
        floats(plain), X @ X.T, atol=1e-13 * np.abs(X @ X.T).max()
    )


def test_a_frozen_equilibration_squares_the_spread_of_rows():
    W, X = np.array([[1.0, 0.0], [0.0, 3.0]]), np.eye(2)
    conditioned, plain = claims._frozen(*balls.ball((W, X)))
    np.testing.assert_allclose(floats(plain), np.eye(4), atol=1e-15)
    np.testing.assert_allclose(
        floats(conditioned), np.diag([1, 1, 1 / 9, 1 / 9]), atol=1e-15
    )


def test_the_softmax_hessian_is_that_of_autograd():
    rng = np.random.default_rng(1)
    W, x = rng.normal(size=(3, 2)), rng.normal(size=2)
    tx = torch.as_tensor(x)
    found = floats(claims._softmax(*balls.ball((W, x))))
    expected = second_derivatives(lambda V: torch.logsumexp(V @ tx, 0) - (V @ tx)[0], W)
    np.testing.assert_allclose(found, expected, atol=1e-14)
