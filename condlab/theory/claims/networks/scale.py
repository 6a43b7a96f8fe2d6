"""Claims that a network's function does not depend on the scale of its weights.

Where a layer's weights w enter only through a normalisation, the loss is invariant,
f(cw) = f(w) for c > 0; then the gradient is orthogonal to the weights and inversely
proportional to their scale. Gradients here are coefficients of power series over balls,
not the formulas that the claims would give.

Layer norm needs two outputs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import claim, theorem
from condlab.theory.model import Reference, Theorem
from condlab.theory.references.networks import (
    GROUP_NORM,
    IOFFE_SZEGEDY,
    LAYER_NORM,
    RMS_NORM,
    WEIGHT_NORM,
    WEIGHT_STANDARDIZATION,
)
from condlab.theory.strategies import st
from condlab.theory.vocabulary.layers import EPS, standardise
from condlab.theory.vocabulary.series import gradient

Loss = Callable[[Balls, Balls, Balls], Ball]


def _invariant(loss: Loss) -> Callable:
    """Return the claim on f(w) = loss(w, X, p), as one equality of four."""

    def formula(w: Balls, X: Balls, p: Balls, c: Ball) -> tuple:
        here = gradient(lambda v: loss(v, X, p), w)
        there = gradient(lambda v: loss(v, X, p), c * w)
        found = [loss(c * w, X, p), (here * w).sum(), *(c * there).ravel()]
        expected = [loss(w, X, p), balls.arb(0), *here.ravel()]
        # The loss may vanish, so that differences need a scale of their own.
        scale = 1 + balls.maximum(abs(p))
        return balls.equal(np.array(found), np.array(expected), scale)

    return formula


def _weighted(p: Balls, Y: Balls) -> Ball:
    """Return a loss of outputs, sum of p_j (y_j + y_j^2), generic enough."""
    y = Y.ravel()
    return (p[: len(y)] * (y + y * y)).sum()


def _batch(eps: float) -> Loss:
    """Normalise one channel over the batch X."""
    return lambda w, X, p: _weighted(p, standardise((w @ X)[None], eps))


def _scales() -> st.SearchStrategy:
    return st.sampled_from([2.0, 0.25, 3.0, 1.5])


def _vectors(admits: Callable, least: int = 1) -> Callable:
    """Return w of length n, X of n x (n + 1), p and c > 0 that meet the hypothesis."""

    def instances(n: int) -> st.SearchStrategy:
        if n < least:
            return strategies.none()
        return st.tuples(
            strategies.small_integers(1, n).map(lambda A: A[0]),
            strategies.small_integers(n, n + 1),
            strategies.vectors(n + 1),
            _scales(),
        ).filter(lambda parts: admits(*parts[:2]))

    return instances


def _output_varies(w: np.ndarray, X: np.ndarray) -> bool:
    z = w @ X
    return bool((z != z.ravel()[0]).any())


def _claim(
    name: str, what: str, source: Reference, instances: Callable, loss: Loss
) -> Theorem:
    return theorem(
        f"norm-scale-invariance-{name}",
        f"A loss of {what} is invariant when they are multiplied by a positive number; "
        "its gradient is orthogonal to them and inversely proportional to their scale.",
        source,
        instances,
        _invariant(loss),
        latex=r"f(cw) = f(w), \quad w^T \nabla f(w) = 0, \quad "
        r"\nabla f(cw) = \nabla f(w) / c",
    )


BATCH = (
    _claim(
        "batch",
        "the weights of a channel before batch norm without eps",
        IOFFE_SZEGEDY.at("section 3.3"),
        _vectors(_output_varies),
        _batch(0.0),
    ),
)


@claim(
    "norm-scale-invariance-batch-eps",
    IOFFE_SZEGEDY.at("section 3.3"),
    _vectors(_output_varies),
    latex=r"f(cw) = f(w)",
    note="It is for variances far above eps, and less so as they fall.",
    false_from=1,
)
def scale_invariance_batch_eps(w: Balls, X: Balls, p: Balls, c: Ball) -> Sides:
    """The same loss is invariant with eps in the normalisation."""
    return balls.equal(_batch(EPS)(c * w, X, p), _batch(EPS)(w, X, p))


@claim(
    "norm-scale-invariance-batch-sign",
    IOFFE_SZEGEDY.at("section 3.3"),
    _vectors(_output_varies),
    latex=r"f(-cw) = f(w)",
    note="The scale has to be positive, which the source does not say.",
    false_from=1,
)
def scale_invariance_batch_sign(w: Balls, X: Balls, p: Balls, c: Ball) -> Sides:
    """The same loss without eps is invariant when the weights change their sign."""
    return balls.equal(_batch(0.0)(-c * w, X, p), _batch(0.0)(w, X, p))


def _layer(centred: bool, groups: int = 1) -> Loss:
    """Normalise the outputs of a layer for one input, the first column of X."""

    def loss(W: Balls, X: Balls, p: Balls) -> Ball:
        z = W @ X[: W.shape[1], 0]
        return _weighted(p, standardise(z.reshape(groups, -1), 0.0, centred))

    return loss


def _matrices(admits: Callable, least: int = 1) -> Callable:
    """Return W of n x 2, X, p and c > 0 that meet the hypothesis."""

    def instances(n: int) -> st.SearchStrategy:
        if n < least:
            return strategies.none()
        return st.tuples(
            strategies.small_integers(n, 2),
            strategies.small_integers(2, 1),
            strategies.vectors(n),
            _scales(),
        ).filter(lambda parts: admits(*parts[:2]))

    return instances


LAYER = (
    _claim(
        "layer",
        "all the weights of a layer before layer norm without eps",
        LAYER_NORM.at("section 5.1"),
        _matrices(_output_varies, least=2),
        _layer(centred=True),
    ),
)


@claim(
    "norm-scale-invariance-layer-rows",
    LAYER_NORM.at("Table 1"),
    _matrices(
        lambda W, X: (
            _output_varies(W, X)
            and all(
                _output_varies(np.concatenate([c * W[:1], W[1:]]), X)
                for c in (2.0, 0.25, 3.0, 1.5)
            )
        ),
        least=2,
    ),
    latex=r"f(\mathrm{diag}(c, 1, \ldots, 1) W) = f(W)",
    note="The source's own table says that it is not; batch norm is.",
    false_from=2,
)
def scale_invariance_layer_rows(W: Balls, X: Balls, p: Balls, c: Ball) -> Sides:
    """A loss of a layer's weights before layer norm is invariant when one row of them
    is multiplied by a positive number."""
    loss = _layer(centred=True)
    scaled = np.concatenate([c * W[:1], W[1:]])
    return balls.equal(loss(scaled, X, p), loss(W, X, p))


def _weight(centred: bool) -> Loss:
    """Normalise the weights: unit rows, or standardised ones, and then use them."""

    def loss(w: Balls, X: Balls, p: Balls) -> Ball:
        return _weighted(p, standardise(w[None], 0.0, centred) @ X)

    return loss


def _halves_vary(W: np.ndarray, X: np.ndarray) -> bool:
    halves = (W @ X).reshape(2, -1)
    return bool((halves != halves[:, :1]).any(axis=1).all())


def _even(instances: Callable) -> Callable:
    return lambda n: instances(n) if n % 2 == 0 else strategies.none()


OTHERS = (
    _claim(
        "group",
        "all the weights of a layer before group norm, two groups, without eps",
        GROUP_NORM.at("section 3.1"),
        _even(_matrices(_halves_vary, least=4)),
        _layer(centred=True, groups=2),
    ),
    _claim(
        "rms",
        "all the weights of a layer before RMS norm, or scaling to a length, without "
        "eps",
        RMS_NORM.at("Table 1"),
        _matrices(lambda W, X: bool((W @ X).any())),
        _layer(centred=False),
    ),
    _claim(
        "weight-norm",
        "the directions of weight normalisation, or of equilibrated rows,",
        WEIGHT_NORM.at("section 2.1"),
        _vectors(lambda w, X: bool(w.any())),  # noqa: ARG005
        _weight(centred=False),
    ),
    _claim(
        "weight-standardization",
        "standardised weights without eps",
        WEIGHT_STANDARDIZATION.at("Equations 5 and 6"),
        _vectors(lambda w, X: bool((w != w[0]).any()), least=2),  # noqa: ARG005
        _weight(centred=True),
    ),
)
