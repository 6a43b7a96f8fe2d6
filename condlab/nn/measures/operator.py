"""A convolution as the operator that it is on a periodic image."""

from __future__ import annotations

import itertools
import math

import numpy as np
from torch import Tensor

from condlab.condition._certain import over
from condlab.condition._inverse import EPS
from condlab.condition._stacks import Pair, norms
from condlab.types import ConditionEstimate


def operator_spectrum(
    kernel: Tensor, size: tuple[int, ...]
) -> tuple[np.ndarray, ConditionEstimate]:
    """Return the singular values and κ₂ of a convolution with periodic borders.

    Parameters
    ----------
    kernel : Tensor, shape (c_out, c_in, ...)
        Of stride 1 and one group.
    size : tuple of int
        Of the image along each axis of the kernel.

    Returns
    -------
    tuple of array and ConditionEstimate
        All singular values, descending. Fourier's transform makes the operator block
        diagonal, a block of shape (c_out, c_in) for each frequency. The transform sums
        the kernel's few entries, each rounded thrice; the norms of the blocks and
        of their inverses are proved as those of stacks by `condlab.cond`.

    References
    ----------
    H. Sedghi, V. Gupta and P. M. Long, "The singular values of convolutional layers",
    ICLR 2019, Theorem 6.

    Examples
    --------
    >>> import torch
    >>> sigma, kappa = operator_spectrum(torch.tensor([[[0.5, 2.0, 0.5]]]), (4,))
    >>> sigma, round(kappa.value, 6)
    (array([3., 2., 2., 1.]), 3.0)
    """
    K = kernel.double().numpy()
    places = list(itertools.product(*map(range, K.shape[2:])))
    grid = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), -1)
    grid = grid.reshape(-1, len(size))
    waves = np.ones((len(grid), len(places)), complex)
    for axis, n in enumerate(size):
        taps = np.array([place[axis] for place in places])
        turns = np.outer(grid[:, axis], taps) % n  # exact, so that the angle is good
        waves *= np.exp(-2j * math.pi * turns / n)
    taps = K.reshape(*K.shape[:2], -1)
    blocks = np.einsum("ft,oit->foi", waves, taps, optimize=True)
    sigma, ends, inverse = norms(blocks)
    mass = float(np.sqrt((np.abs(taps).sum(2) ** 2).sum()))
    transform = (2 * len(places) + 8 * len(size) + 8) * EPS * mass
    values = np.sort(sigma.ravel())[::-1]
    return values, _bracketed(values, ends, inverse, transform)


def _bracketed(
    sigma: np.ndarray, size: Pair, inverse: Pair, delta: float
) -> ConditionEstimate:
    """Return κ₂ of all blocks together, whose entries are off by `delta` in norm."""
    low, high = (float(end.max()) for end in size)
    near, far = (over(1.0, float(end.max())) for end in reversed(inverse))
    slack, method = 8 * EPS, "fourier+svd"
    lower = max(1.0, (low - delta) / (far + delta) * (1 - slack))
    if not near * (1 - slack) > delta:
        return ConditionEstimate(math.inf, lower, math.inf, 2, method)
    upper = (high + delta) / (near * (1 - slack) - delta) * (1 + slack)
    value = min(max(lower, float(sigma[0] / sigma[-1])), upper)
    return ConditionEstimate(value, lower, upper, 2, method)
