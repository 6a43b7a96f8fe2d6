"""Theorems on Hessians of networks, against autograd, NumPy and closed forms."""

import numpy as np
import pytest
import torch

from condlab.theory import balls, verify
from condlab.theory.catalogue import claims_of
from condlab.theory.claims.networks import hessian as claims
from tests.theory.outcomes import outcomes

BY_KEY = {entry.key: entry for entry in claims_of(vars(claims))}
FALSE = "network-linear-block-any"
EPS = np.finfo(float).eps


def floats(B):
    return np.vectorize(float)(B)


def test_the_false_claim_falls_at_size_two_and_not_before():
    one, two = verify(BY_KEY[FALSE], sizes=(1, 2), max_examples=200, seed=0)
    assert set(outcomes([one])) <= {"holds"}
    assert two.outcome == "falsified"
    assert two.certificate


@pytest.mark.parametrize("key", [key for key in BY_KEY if key != FALSE])
def test_the_others_hold(key):
    verdicts = verify(BY_KEY[key], sizes=(1, 2, 3), max_examples=20, seed=0)
    assert set(outcomes(verdicts)) == {"holds"}


def test_one_layers_block_is_that_of_autograd_and_of_numpy():
    rng = np.random.default_rng(0)
    down, V, up = (
        rng.normal(size=(3, 2)),
        rng.normal(size=(2, 2)),
        rng.normal(size=(2, 4)),
    )
    Y = rng.normal(size=(3, 4))
    found = floats(claims._middle(*balls.ball((down, V, up, Y))))
    B, A, T = (torch.as_tensor(M) for M in (down, up, Y))
    loss = lambda U: ((B @ U @ A - T) ** 2).sum() / 2  # noqa: E731
    exact = torch.autograd.functional.hessian(loss, torch.as_tensor(V)).reshape(4, 4)
    room = 100 * EPS * np.abs(found).max()
    np.testing.assert_allclose(found, exact.numpy(), atol=room)
    np.testing.assert_allclose(found, np.kron(down.T @ down, up @ up.T), atol=room)


def test_lengths_of_rows_are_ignored_as_autograd_has_it():
    rng = np.random.default_rng(1)
    W, X, Y = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    loss = claims._rows_loss(*balls.ball((X, Y)))
    found = floats(claims.hessian(loss, balls.ball(W)))
    tX, tY = torch.as_tensor(X), torch.as_tensor(Y)

    def plain(V):
        return ((V / V.norm(dim=1, keepdim=True) @ tX - tY) ** 2).sum() / 2

    exact = torch.autograd.functional.hessian(plain, torch.as_tensor(W)).reshape(6, 6)
    np.testing.assert_allclose(found, exact, atol=1000 * EPS * np.abs(found).max())


def test_a_hidden_unit_has_the_hessian_written_out():
    """w2²XX' for w1, |w1'X|² for w2, and X(2 w2 X'w1 - y) between them."""
    w2, w1, X, y = np.array([2.0]), np.array([3.0]), np.array([[1.0]]), np.array([5.0])
    H = floats(claims._two_layers(*balls.ball((w2, w1, X, y))))
    np.testing.assert_array_equal(H, [[4.0, 7.0], [7.0, 9.0]])
