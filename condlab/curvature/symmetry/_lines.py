"""Lines of a parameter: how they lie in the vector, and what is tangent to them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from condlab.curvature.operators._over_parameters import OverParameters


def places_of(numbers: Tensor) -> Tensor:
    """Return the places of the entries of each line, shape (lines, length)."""
    return numbers.reshape(-1).argsort(stable=True).view(int(numbers.max()) + 1, -1)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one parameter: places in the vector, lengths, and reflectors.

    The reflector I - 2 u u' takes the first unit vector to the line's direction, up
    to its sign, and so the others to an orthonormal basis of what is tangent. Free
    entries have no reflector, and length one.
    """

    places: Tensor  # (lines, length)
    lengths: Tensor  # (lines, 1)
    reflector: Tensor | None  # (lines, length)

    @classmethod
    def of(cls, W: Tensor, numbers: Tensor, start: int) -> Lines:
        """Return the lines of a weight that begins at `start` of the vector."""
        places = places_of(numbers)
        rows = W.detach().reshape(-1)[places]
        peaks = rows.abs().amax(dim=1, keepdim=True)  # squares must not overflow
        norms = (rows / peaks).norm(dim=1, keepdim=True)
        u = rows / peaks / norms
        u[:, 0] += torch.where(u[:, 0] < 0, -1.0, 1.0).to(u)  # no cancellation
        u = u / u.norm(dim=1, keepdim=True)
        return cls(places + start, peaks * norms, u)

    @classmethod
    def free(cls, place: slice, H: OverParameters) -> Lines:
        """Return entries that are no part of a line."""
        places = torch.arange(place.start, place.stop, device=H.device)[:, None]
        return cls(places, torch.ones((1, 1), dtype=H.dtype, device=H.device), None)

    @property
    def dimension(self) -> int:
        """Return how many numbers move along the spheres."""
        lost = 0 if self.reflector is None else len(self.places)
        return self.places.numel() - lost

    def reflect(self, X: Tensor) -> Tensor:
        """Return X, shape (lines, length, k), in the other one of the two bases."""
        u = self.reflector
        if u is None:
            return X
        return X - 2 * u[:, :, None] * (u[:, :, None] * X).sum(dim=1, keepdim=True)

    def lift(self, Y: Tensor) -> Tensor:
        """Return the tangent vectors, shape (lines, length, k), of coordinates."""
        count, length = self.places.shape
        if self.reflector is None:
            return Y.view(count, length, -1)
        first = torch.zeros((count, 1, Y.shape[1]), dtype=Y.dtype, device=Y.device)
        rest = Y.reshape(count, length - 1, Y.shape[1])
        return self.reflect(torch.cat([first, rest], dim=1))

    def coordinates(self, X: Tensor) -> Tensor:
        """Return the coordinates, shape (dimension, k), of the tangent part."""
        rest = self.reflect(X)
        if self.reflector is not None:
            rest = rest[:, 1:]
        return rest.reshape(self.dimension, -1)
