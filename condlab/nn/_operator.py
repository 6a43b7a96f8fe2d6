"""A convolution as the operator that it is on a periodic image."""

from __future__ import annotations

import itertools
import math

import numpy as np
from torch import Tensor

from condlab.condition._inverse import EPS
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
        the kernel's few entries, each rounded thrice; LAPACK's error is taken as in
        `condlab.cond_2`.

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
    sigma = np.sort(np.linalg.svd(blocks, compute_uv=False).ravel())[::-1]
    mass = float(np.sqrt((np.abs(taps).sum(2) ** 2).sum()))
    transform = (2 * len(places) + 8 * len(size) + 8) * EPS * mass
    delta = transform + (max(K.shape[:2]) + 8) * EPS * float(sigma[0])
    return sigma, _bracketed(sigma, delta)


def _bracketed(sigma: np.ndarray, delta: float) -> ConditionEstimate:
    first, last = float(sigma[0]), float(sigma[-1])
    slack, method = 8 * EPS, "fourier+svd"
    lower = max(1.0, (first - delta) / (last + delta) * (1 - slack))
    if last <= delta:
        return ConditionEstimate(math.inf, lower, math.inf, 2, method)
    upper = (first + delta) / (last - delta) * (1 + slack)
    return ConditionEstimate(max(lower, first / last), lower, upper, 2, method)
