"""Weight standardisation of one output channel, with its gradients, in balls or floats.

W are I weights, Wdot = W - mean, What = Wdot / sigma. The functions take arrays of
floats, of balls or of Taylor series alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.strategies import st
from condlab.theory.vocabulary.series import gradient


def mean(w: np.ndarray) -> np.ndarray:
    """Return the mean, shape (1,): to NumPy a bare series is a sequence of numbers."""
    return w.sum(keepdims=True) / len(w)


def centred(w: np.ndarray) -> np.ndarray:
    """Return equation 5."""
    return w - mean(w)


def divided(w: np.ndarray) -> np.ndarray:
    """Return equation 6."""
    return w / root_mean_square(w)


def root_mean_square(w: np.ndarray) -> np.ndarray:
    """Return sigma of centred weights, shape (1,)."""
    return np.sqrt(mean(w * w))


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel, and the gradients of the loss g'What by each variable."""

    sigma: Ball
    what: Balls
    by_w: Balls
    by_dot: Balls
    by_hat: Balls

    @property
    def size(self) -> int:
        """Number I of weights."""
        return len(self.what)


def channel(w: Balls, g: Balls) -> Channel:
    """Return the channel of weights w whose loss has the gradient g by What."""
    dot = centred(w)
    return Channel(
        sigma=root_mean_square(dot)[0],
        what=divided(dot),
        by_w=gradient(lambda x: g @ divided(centred(x)), w),
        by_dot=gradient(lambda x: g @ divided(x), dot),
        by_hat=g,
    )


def is_not_constant(w: np.ndarray) -> bool:
    """Tell whether sigma is positive."""
    return bool((w != w[0]).any())


def weights(size: int) -> st.SearchStrategy[np.ndarray]:
    """Draw channels of integers with sigma > 0, some of them graded."""
    if size == 1:
        return strategies.none()
    graded = strategies.graded(1, size).map(np.ravel)
    return st.one_of(strategies.vectors(size), graded).filter(is_not_constant)


def channels(size: int) -> st.SearchStrategy:
    """Draw (weights, gradient by What)."""
    return st.tuples(weights(size), strategies.vectors(size))


def same(found: Ball | Balls, expected: Ball | Balls) -> Sides:
    """State that two things are equal, measured by 1 + the size of the second."""
    scale = 1 + balls.norm_fro(np.asarray(expected, dtype=object))
    return balls.equal(found, expected, scale=scale)
