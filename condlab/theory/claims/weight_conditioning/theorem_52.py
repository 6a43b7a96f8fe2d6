"""Claims of "Weight conditioning ..." on the Hessian of an equilibrated network.

Theorem 5.2 says that equilibrating the weights does not raise the condition number of
the loss's Hessian wherever both Hessians have full rank. Hessians here are coefficients
of power series over balls, not the formulas that the claims would give.

With one weight, equilibration leaves a sign, whose Hessian is zero, and softmax of
one class is constant.
"""

from __future__ import annotations

import numpy as np
from flint import arb_series

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import claim
from condlab.theory.references.networks import WEIGHT_CONDITIONING as SOURCE
from condlab.theory.strategies import has_full_rank, st
from condlab.theory.vocabulary.layers import root
from condlab.theory.vocabulary.series import hessian

LARGEST = 3  # size: a Hessian takes the square of the weights in power series
SEEN = 1e6  # a direction that the Hessian shrinks by more counts as not seen


def _squares(residuals: np.ndarray) -> arb_series:
    return (residuals * residuals).sum() / 2


def _frozen(W: Balls, X: Balls) -> tuple[Balls, Balls]:
    """Return the Hessians of |EVX|^2 / 2, E = E(W) held, and of |VX|^2 / 2, at V = W.

    Targets change neither: the losses are quadratic.
    """
    E = balls.row_norms(W)[:, None]
    conditioned = hessian(lambda V: _squares((V / E) @ X), W)
    return conditioned, hessian(lambda V: _squares(V @ X), W)


def _layers(size: int) -> st.SearchStrategy:
    """Draw W without zero rows, and inputs of full rank."""
    if size > LARGEST:
        return strategies.none()
    n = min(size, 2)
    parts = strategies.small_integers(size, n), strategies.small_integers(n, n)
    return st.tuples(*parts).filter(lambda p: _is_layer(*p))


def _is_layer(W: np.ndarray, X: np.ndarray) -> bool:
    return bool(W.any(axis=1).all()) and has_full_rank(X)


AT = SOURCE.at("Theorem 5.2")


@claim(
    "wc-thm5.2-frozen",
    AT,
    _layers,
    latex=r"\kappa(\nabla^2 L(EV)) \le \kappa(\nabla^2 L(V))",
    admits=_is_layer,
    note="It rises whenever two rows differ in length: see the corrected claim.",
    false_from=2,
)
def thm5_2_frozen(W: Balls, X: Balls) -> Sides:
    """For one linear layer, squared loss and E held fixed, the Hessian of the
    equilibrated layer has at most the condition number of the plain layer's."""
    held, plain = _frozen(W, X)
    return balls.kappa(held), balls.kappa(plain)


def _spread(W: Balls) -> Ball:
    norms = balls.row_norms(W)
    return balls.maximum(norms) / balls.minimum(norms)


@claim(
    "wc-thm5.2-frozen-corrected",
    SOURCE.at("Theorem 5.2, corrected"),
    _layers,
    latex=r"\kappa(\nabla^2 L(EV)) = \left(\frac{\max\|w_i\|}{\min\|w_i\|}\right)^2"
    r"\kappa(\nabla^2 L(V))",
    admits=_is_layer,
    note="The Hessian is E^2 in a Kronecker product with XX', and was I with XX'.",
)
def thm5_2_frozen_corrected(W: Balls, X: Balls) -> Sides:
    """For one linear layer, squared loss and E held fixed, the condition number of the
    Hessian grows by the square of the ratio of the longest row to the shortest."""
    return balls.equal(
        balls.kappa(_frozen(W, X)[0]),
        _spread(W) ** 2 * balls.kappa(_frozen(W, X)[1]),
    )


def _inside(w: Balls, X: Balls, y: Balls) -> tuple[Balls, Balls]:
    """Return the Hessians of |w'X / |w| - y|^2 / 2 and of |w'X - y|^2 / 2."""
    return (
        hessian(lambda v: _squares(_unit(v) @ X - y), w),
        hessian(lambda v: _squares(v @ X - y), w),
    )


def _unit(v: np.ndarray) -> np.ndarray:
    length = root((v * v).sum())
    out = np.empty(len(v), dtype=object)  # NumPy would take a series apart
    out[:] = [entry / length for entry in v]
    return out


def _rows(size: int) -> st.SearchStrategy:
    """Draw weights that are not all zero, inputs of full rank and targets."""
    if size > LARGEST:
        return strategies.none()
    vectors = strategies.small_integers(1, size).map(lambda A: A[0])
    inputs = strategies.small_integers(size, size).filter(has_full_rank)
    return st.tuples(vectors.filter(np.any), inputs, vectors)


def _regular(w: np.ndarray, X: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether both Hessians certainly have full rank."""
    if not w.any() or not has_full_rank(X):
        return False
    H = _inside(*balls.ball((w, X, y)))[0]
    return not balls.determinant(H).contains(0)


def _regular_rows(size: int) -> st.SearchStrategy:
    if size < 2:
        return strategies.none()
    return _rows(size).filter(lambda parts: _regular(*parts))


@claim(
    "wc-thm5.2-inside",
    AT,
    _regular_rows,
    latex=r"\kappa(\nabla^2 L(w/\|w\|)) \le \kappa(\nabla^2 L(w))",
    admits=_regular,
    note="In the gauge of the stored weights, and at the same stored weights.",
    false_from=2,
)
def thm5_2_inside(w: Balls, X: Balls, y: Balls) -> Sides:
    """For one row w, squared loss and E inside the forward pass, the Hessian of the
    equilibrated row has at most the condition number of the plain row's, where both
    have full rank."""
    inside, plain = _inside(w, X, y)
    return balls.kappa(inside), balls.kappa(plain)


def _at_fit(w: Balls, X: Balls) -> Balls:
    """Return the equilibrated row's Hessian where it fits its targets exactly."""
    return _inside(w, X, _unit(w) @ X)[0]


def _seen(H: Balls, v: Balls) -> Sides:
    """Return the claim that H does not lose the direction v."""
    return balls.norm_fro(H) * _norm(v), SEEN * _norm(H @ v)


def _norm(v: Balls) -> Ball:
    return balls.norm_fro(v[:, None])


@claim(
    "wc-full-rank-stationary",
    AT,
    lambda size: _rows(size).map(lambda parts: parts[:2]),
    latex=r"\|H\|_F\|w\| \le 10^6\|Hw\|",
    note="Where the gradient vanishes, scale invariance makes Hw = 0.",
    false_from=2,
)
def full_rank_stationary(w: Balls, X: Balls) -> Sides:
    """Where an equilibrated row fits its targets, its Hessian has full rank: it shrinks
    the direction of the weights by less than 10^6 of its norm."""
    return _seen(_at_fit(w, X), w)


def _null(H: Balls, v: Balls) -> Sides:
    scale = 1 + balls.norm_fro(H) * _norm(v)
    return balls.equal(H @ v, balls.ball(np.zeros(len(v))), scale)


@claim(
    "wc-full-rank-stationary-corrected",
    SOURCE.at("Theorem 5.2, corrected"),
    lambda size: _rows(size).map(lambda parts: parts[:2]),
    latex=r"Hw = 0",
)
def full_rank_stationary_corrected(w: Balls, X: Balls) -> Sides:
    """Where an equilibrated row fits its targets, its Hessian loses the direction of
    the weights, so that it never has full rank there."""
    return _null(_at_fit(w, X), w)


def _softmax(W: Balls, x: Balls) -> Balls:
    """Return the Hessian of the cross-entropy of softmax(Wx) and the first class."""

    def loss(V: np.ndarray) -> arb_series:
        z = V @ x
        total = z[0].exp()
        for entry in z[1:]:
            total = total + entry.exp()
        return total.log() - z[0]

    return hessian(loss, W)


def _shift(W: Balls) -> Balls:
    """Return the direction that adds one to the first weight of every class."""
    D = np.zeros(W.shape)
    D[:, 0] = 1
    return balls.ball(D.ravel())


def _classes(size: int) -> st.SearchStrategy:
    if size > LARGEST:
        return strategies.none()
    n = min(size, 2)
    inputs = strategies.small_integers(1, n).map(lambda A: A[0]).filter(np.any)
    return st.tuples(strategies.small_integers(size, n), inputs)


@claim(
    "wc-full-rank-softmax",
    AT,
    _classes,
    latex=r"\|H\|_F\|s\| \le 10^6\|Hs\|",
    note="So that the theorem says nothing of any plain classifier.",
    false_from=2,
)
def full_rank_softmax(W: Balls, x: Balls) -> Sides:
    """Under softmax cross-entropy the Hessian of the last layer has full rank: it
    shrinks a shift of all logits by less than 10^6 of its norm."""
    return _seen(_softmax(W, x), _shift(W))


@claim(
    "wc-full-rank-softmax-corrected",
    SOURCE.at("Theorem 5.2, corrected"),
    _classes,
    latex=r"Hs = 0",
)
def full_rank_softmax_corrected(W: Balls, x: Balls) -> Sides:
    """Under softmax cross-entropy the Hessian of the last layer loses every shift of
    all logits."""
    return _null(_softmax(W, x), _shift(W))
