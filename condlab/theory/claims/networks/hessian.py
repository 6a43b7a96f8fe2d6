"""Theorems on Hessians of losses of networks, that hold and that nearly do.

- Deep linear networks: the block of one layer is a Kronecker product of what is behind
  it and of what is in front of it, so that its condition number is a product too.
- Lengths of rows that the loss ignores: what that says of the Hessian at any point, at
  a stationary one, and at others with the same directions.
- Scaling the inputs of a layer is a scaling of the Hessian, so that van der Sluis's
  theorem applies to it as it stands.

A block of one weight has condition one.
"""

from __future__ import annotations

import numpy as np
from flint import arb_series

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import claim
from condlab.theory.references.books import HORN_JOHNSON
from condlab.theory.references.networks import KUNIN, MARTENS_GROSSE
from condlab.theory.references.scaling import VAN_DER_SLUIS
from condlab.theory.strategies import has_full_rank, st
from condlab.theory.vocabulary.layers import root
from condlab.theory.vocabulary.series import Function, gradient, hessian

LARGEST = 3  # size: a Hessian takes the square of the weights in power series


def _squares(R: np.ndarray) -> arb_series:
    return (R * R).sum() / 2


def _middle(down: Balls, V: Balls, up: Balls, Y: Balls) -> Balls:
    """Return the block of V in the Hessian of |down V up - Y|^2 / 2."""
    return hessian(lambda U: _squares(down @ U @ up - Y), V)


def _kronecker(A: Balls, B: Balls) -> Balls:
    m, n = len(A), len(B)
    return (A[:, None, :, None] * B[None, :, None, :]).reshape(m * n, m * n)


def _chains(size: int) -> st.SearchStrategy:
    """Draw down with full column rank, V, up with full row rank, and targets."""
    if size > LARGEST:
        return strategies.none()
    n = min(size, 2)
    down = strategies.small_integers(size, n).filter(has_full_rank)
    up = strategies.small_integers(n, size).filter(has_full_rank)
    middle = strategies.small_integers(n, n)
    return st.tuples(down, middle, up, strategies.small_integers(size, size))


DEEP = MARTENS_GROSSE.at("section 2, exact for one linear layer of a deep network")


@claim(
    "martens2015-linear-block",
    DEEP,
    _chains,
    latex=r"\nabla^2_V \tfrac12\|BVA - Y\|_F^2 = B^TB \otimes AA^T",
)
def linear_block(down: Balls, V: Balls, up: Balls, Y: Balls) -> Sides:
    """In a deep linear network with squared loss the Hessian's block of one layer is
    the Kronecker product of what follows the layer with what comes before."""
    return balls.equal(_middle(down, V, up, Y), _kronecker(down.T @ down, up @ up.T))


@claim(
    "martens2015-linear-block-kappa",
    DEEP,
    _chains,
    latex=r"\kappa(\nabla^2_V L) = \kappa(B)^2\kappa(A)^2",
)
def linear_block_kappa(down: Balls, V: Balls, up: Balls, Y: Balls) -> Sides:
    """In a deep linear network with squared loss the block of one layer has the squared
    condition number of what follows times that of what comes before."""
    return balls.equal(
        balls.kappa(_middle(down, V, up, Y)),
        (balls.kappa(down) * balls.kappa(up)) ** 2,
    )


def _two_layers(w2: Balls, w1: Balls, X: Balls, y: Balls) -> Balls:
    """Return the Hessian of |w2 w1'X - y|^2 / 2 for all weights, w1's first."""
    n = len(w1)

    def loss(v: np.ndarray) -> arb_series:
        # v[n] is a series, which NumPy would take for an array of coefficients
        return _squares(v[n:] * (v[:n] @ X) - y)

    return hessian(loss, np.concatenate([w1, w2]))


def _first_block(w2: Balls, w1: Balls, X: Balls, y: Balls) -> Sides:
    H = _two_layers(w2, w1, X, y)
    return balls.kappa(H[: len(w1), : len(w1)]), balls.kappa(H)


def _nets(size: int) -> st.SearchStrategy:
    """Draw the weights before and after one hidden unit, inputs and targets."""
    if size > LARGEST:
        return strategies.none()
    n = min(size, 2)
    inputs = strategies.small_integers(n, n).filter(has_full_rank)
    vectors = strategies.vectors(n)
    return st.tuples(strategies.vectors(1), vectors, inputs, vectors)


def _overshooting(size: int) -> st.SearchStrategy:
    """Draw nets whose targets lie up to three times as far out as their outputs.

    Only these have a definite Hessian: what couples the layers is (2 - factor) as
    large as their geometric mean.
    """
    if size > LARGEST:
        return strategies.none()
    factors = st.sampled_from([1.25, 1.5, 2.0, 2.5])
    drawn = st.tuples(_nets(size), factors).map(
        lambda both: (*both[0][:3], both[1] * both[0][0] * (both[0][1] @ both[0][2]))
    )
    return drawn.filter(lambda parts: _definite(*parts))


def _definite(w2: np.ndarray, w1: np.ndarray, X: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether the Hessian is positive definite, by its leading minors."""
    H = _two_layers(*balls.ball((w2, w1, X, y)))
    return all(balls.determinant(H[:k, :k]) > 0 for k in range(1, len(H) + 1))


@claim(
    "network-linear-block",
    HORN_JOHNSON.at("Theorem 4.3.28"),
    _overshooting,
    latex=r"\kappa(\nabla^2_{W_1}L) \le \kappa(\nabla^2 L)",
    admits=_definite,
)
def network_linear_block(w2: Balls, w1: Balls, X: Balls, y: Balls) -> Sides:
    """Where the Hessian of a two-layer linear network is positive definite, a layer's
    block has at most its condition number."""
    return _first_block(w2, w1, X, y)


def _regular(w2: np.ndarray, w1: np.ndarray, X: np.ndarray, y: np.ndarray) -> bool:
    if not w2.any() or not has_full_rank(X):
        return False
    H = _two_layers(*balls.ball((w2, w1, X, y)))
    return not balls.determinant(H).contains(0)


@claim(
    "network-linear-block-any",
    "folklore",
    lambda size: _nets(size).filter(lambda parts: _regular(*parts)),
    latex=r"\kappa(\nabla^2_{W_1}L) \le \kappa(\nabla^2 L)",
    admits=_regular,
    note="An indefinite matrix may have nearly singular blocks.",
    false_from=2,
)
def linear_block_any(w2: Balls, w1: Balls, X: Balls, y: Balls) -> Sides:
    """Where the Hessian of a two-layer linear network is nonsingular, a layer's block
    has at most its condition number."""
    return _first_block(w2, w1, X, y)


def _feature_scaled(X: Balls) -> Ball:
    """Return kappa of the Hessian of |V X|^2 / 2 for one row V."""
    V = balls.ball(np.ones((1, len(X))))
    return balls.kappa(hessian(lambda U: _squares(U @ X), V))


def _features(size: int) -> st.SearchStrategy:
    if size > LARGEST:
        return strategies.none()
    rows = strategies.full_rank(size, size)
    return st.tuples(rows, strategies.positive_diagonals(size))


@claim(
    "vandersluis1969-network-features",
    VAN_DER_SLUIS.at("in the form of Higham 2002, Corollary 7.6"),
    _features,
    latex=r"\kappa(\nabla^2 L(\hat X)) \le n\,\kappa(\nabla^2 L(DX))",
)
def network_features(X: Balls, d: Balls) -> Sides:
    """Scaling the input features of a linear layer to one length leaves its Hessian
    within the number of features of the best condition number there is."""
    return _feature_scaled(balls.unit_rows(X)), len(X) * _feature_scaled(d[:, None] * X)


def _rows_loss(X: Balls, Y: Balls) -> Function:
    """Return the loss |unit rows of V times X - Y|^2 / 2, which ignores lengths."""

    def loss(V: np.ndarray) -> arb_series:
        out = np.empty(V.shape, dtype=object)  # NumPy would take a series apart
        for i, row in enumerate(V):
            length = root((row * row).sum())
            for j, entry in enumerate(row):
                out[i, j] = entry / length
        return _squares(out @ X - Y)

    return loss


def _lengths(W: Balls) -> Balls:
    """Return, a row a column, the directions that lengthen one row of W."""
    m, n = W.shape
    N = balls.ball(np.zeros((m * n, m)))
    for i in range(m):
        N[i * n : (i + 1) * n, i] = W[i]
    return N


def _layers(size: int) -> st.SearchStrategy:
    """Draw W without zero rows, inputs and targets."""
    if size > LARGEST:
        return strategies.none()
    m, n = min(size, 2), size
    weights = strategies.small_integers(m, n).filter(lambda W: W.any(axis=1).all())
    inputs = strategies.small_integers(n, n)
    return st.tuples(weights, inputs, strategies.small_integers(m, n))


@claim(
    "kunin2021-row-lengths",
    KUNIN.at("section 3"),
    _layers,
    latex=r"w_i^T g_i = 0, \quad H w_i = -g_i, \quad w_i^T H w_j = 0",
)
def row_lengths(W: Balls, X: Balls, Y: Balls) -> Sides:
    """Where a loss ignores the lengths of rows, the gradient of each row is orthogonal
    to it, and the Hessian takes each row to minus its gradient."""
    # N'g = 0 and H N = -[g_i], and so N'HN = 0
    loss = _rows_loss(X, Y)
    g, H, N = gradient(loss, W), hessian(loss, W), _lengths(W)
    by_row = -_lengths(g)
    zero = balls.ball(np.zeros(len(W) * (len(W) + 1)))
    found = np.concatenate([(N.T @ g.ravel()), (N.T @ H @ N).ravel(), (H @ N).ravel()])
    scale = 1 + balls.norm_fro(H) * (1 + balls.norm_fro(W)) ** 2
    return balls.equal(found, np.concatenate([zero, by_row.ravel()]), scale)


def _at_fit(W: Balls, X: Balls) -> tuple:
    """Return H N = 0 where unit rows of W fit their targets."""
    norms = balls.row_norms(W)
    H, N = hessian(_rows_loss(X, (W / norms[:, None]) @ X), W), _lengths(W)
    scale = 1 + balls.norm_fro(H) * balls.norm_fro(W)
    return balls.equal(H @ N, balls.ball(np.zeros(N.shape)), scale)


@claim(
    "kunin2021-row-lengths-nullity",
    KUNIN.at("section 3"),
    lambda size: _layers(size).map(lambda parts: parts[:2]),
    latex=r"H w_i = 0 \text{ for every row } i",
)
def row_lengths_nullity(W: Balls, X: Balls) -> Sides:
    """Where a loss that ignores the lengths of rows fits its targets, the Hessian's
    nullity is at least the number of rows: it loses every row."""
    return _at_fit(W, X)


@claim(
    "kunin2021-row-lengths-sphere",
    KUNIN.at("section 3, differentiated"),
    lambda size: st.tuples(_layers(size), strategies.positive_diagonals(2)).map(
        lambda drawn: (*drawn[0], drawn[1])
    ),
    latex=r"C\,\nabla^2 L(CW)\,C = \nabla^2 L(W)",
)
def row_lengths_sphere(W: Balls, X: Balls, Y: Balls, c: Balls) -> Sides:
    """Where a loss ignores the lengths of rows, the Hessian in units of those lengths
    does not change when rows are multiplied by positive numbers."""
    # c_i c_j H(cW)_ij = H(W)_ij, block by block
    loss, D = _rows_loss(X, Y), np.repeat(c[: len(W)], W.shape[1])
    scaled = hessian(loss, c[: len(W), None] * W)
    return balls.equal(D[:, None] * scaled * D, hessian(loss, W), 1 + abs(Y).sum())
