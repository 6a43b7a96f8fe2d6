"""Textures of ten kinds, drawn on the spot: colour images that need no files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray
SIDE = 16


def draw(count: int, *, seed: int, side: int = SIDE) -> tuple[Tensor, Tensor]:
    """Return images of shape (count, 3, side, side), as bytes, and their kinds.

    Every image has its own phase, turn, frequency, colours, contrast and noise; a kind
    is what these leave the same.

    Examples
    --------
    >>> images, kinds = draw(20, seed=0)
    >>> images.shape, images.dtype, kinds.unique().tolist()
    (torch.Size([20, 3, 16, 16]), torch.uint8, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(np.arange(count) % len(KINDS))
    images = np.stack([_image(KINDS[kind], rng, side) for kind in kinds])
    return torch.from_numpy(images), torch.from_numpy(kinds.astype(np.int64))


def _image(kind: Callable[..., Array], rng: np.random.Generator, side: int) -> Array:
    angle, frequency = rng.uniform(0, np.pi), rng.uniform(1.5, 3.5)
    shift = rng.uniform(-0.5, 0.5, (2, 1, 1))
    y, x = np.mgrid[:side, :side] / side - 0.5 + shift
    u = np.cos(angle) * x + np.sin(angle) * y
    v = np.cos(angle) * y - np.sin(angle) * x
    grey = kind(2 * np.pi * frequency * u, 2 * np.pi * frequency * v, rng)
    ends = rng.uniform(0, 1, (2, 3, 1, 1))
    colour = ends[0] + (ends[1] - ends[0]) * (grey + 1) / 2
    noisy = colour + rng.normal(scale=0.1, size=colour.shape)
    return (255 * noisy.clip(0, 1)).round().astype(np.uint8)


def _stripes(u: Array, _v: Array, _rng: np.random.Generator) -> Array:
    return np.sin(u)


def _bars(u: Array, _v: Array, _rng: np.random.Generator) -> Array:
    return np.where(np.sin(u) > 0.6, 1.0, -1.0)


def _checks(u: Array, v: Array, _rng: np.random.Generator) -> Array:
    return np.sign(np.sin(u) * np.sin(v))


def _waves(u: Array, v: Array, _rng: np.random.Generator) -> Array:
    return np.sin(u + 1.5 * np.sin(v))


def _rings(u: Array, v: Array, _rng: np.random.Generator) -> Array:
    return np.sin(np.hypot(u, v))


def _rays(u: Array, v: Array, _rng: np.random.Generator) -> Array:
    return np.sin(6 * np.arctan2(v, u))


def _dots(u: Array, v: Array, _rng: np.random.Generator) -> Array:
    return np.where(np.cos(u) + np.cos(v) > 1, 1.0, -1.0)


def _grid(u: Array, v: Array, _rng: np.random.Generator) -> Array:
    return np.where(np.maximum(np.cos(u), np.cos(v)) > 0.8, 1.0, -1.0)


def _blobs(u: Array, _v: Array, rng: np.random.Generator) -> Array:
    noise = np.fft.fft2(rng.normal(size=u.shape))
    k = np.fft.fftfreq(len(u)) * len(u)
    smooth = np.exp(-(k[:, None] ** 2 + k**2) / 8)
    field = np.fft.ifft2(noise * smooth).real
    return np.tanh(2 * field / field.std())


def _speckles(u: Array, _v: Array, rng: np.random.Generator) -> Array:
    return np.where(rng.random(u.shape) < 0.2, 1.0, -1.0)


KINDS = (
    _stripes, _bars, _checks, _waves, _rings, _rays, _dots, _grid, _blobs, _speckles
)  # fmt: skip
