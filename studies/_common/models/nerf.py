"""Neural radiance field of Mildenhall et al. (2020): network, sampling, rendering."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from studies._common.models._norms import Norm, norm_factory


class PositionalEncoding(nn.Module):
    """Map x to (x, sin(2^k x), cos(2^k x)) for k < `frequencies`, eq. 4 of the paper.

    Without the factor pi of the equation, as in the authors' code.

    Parameters
    ----------
    frequencies : int
        Powers of two.
    """

    def __init__(self, frequencies: int):
        super().__init__()
        self.register_buffer(
            "scales", 2.0 ** torch.arange(frequencies), persistent=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return shape (..., d (1 + 2 frequencies)) for x of shape (..., d)."""
        angles = self.scales[:, None] * x[..., None, :]
        waves = torch.stack([angles.sin(), angles.cos()], dim=-2)
        return torch.cat([x, waves.flatten(-3)], dim=-1)


class NeRF(nn.Module):
    """Density and colour at a point, seen from a direction.

    Parameters
    ----------
    depth, width : int
        Hidden layers and their width; 8 x 256 in the paper.
    skip : int
        The encoded point joins the features again after so many layers.
    frequencies, direction_frequencies : int
        Of the encodings of points and of directions; 10 and 4 in the paper.
    norm : str or callable
        Between each hidden linear layer and its ReLU; the paper has none.
    """

    def __init__(
        self,
        *,
        depth: int = 8,
        width: int = 256,
        skip: int = 5,
        frequencies: int = 10,
        direction_frequencies: int = 4,
        norm: Norm = "none",
    ):
        super().__init__()
        layer = norm_factory(norm, "vectors")
        points, directions = 3 + 6 * frequencies, 3 + 6 * direction_frequencies
        self.skip = skip
        self.encode_point = PositionalEncoding(frequencies)
        self.encode_direction = PositionalEncoding(direction_frequencies)
        self.hidden = nn.ModuleList()
        for k in range(depth):
            inputs = points if k == 0 else width + points * (k == skip)
            self.hidden.append(
                nn.Sequential(nn.Linear(inputs, width), layer(width), nn.ReLU())
            )
        self.density = nn.Linear(width, 1)
        self.feature = nn.Linear(width, width)
        self.view = nn.Sequential(
            nn.Linear(width + directions, width // 2), layer(width // 2), nn.ReLU()
        )
        self.colour = nn.Linear(width // 2, 3)

    def forward(self, points: Tensor, directions: Tensor) -> Tensor:
        """Return raw (red, green, blue, density), shape (N, 4).

        Parameters
        ----------
        points, directions : Tensor, shape (N, 3)
            Positions, and unit viewing directions.
        """
        encoded = self.encode_point(points)
        x = encoded
        for k, layer in enumerate(self.hidden):
            x = layer(torch.cat([encoded, x], dim=-1) if k == self.skip else x)
        view = torch.cat([self.feature(x), self.encode_direction(directions)], dim=-1)
        return torch.cat([self.colour(self.view(view)), self.density(x)], dim=-1)


def stratified_depths(
    near: float,
    far: float,
    num_rays: int,
    num_samples: int,
    *,
    generator: torch.Generator | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Return depths along rays, one in each of `num_samples` equal bins, eq. 2.

    Parameters
    ----------
    near, far : float
        The interval.
    num_rays, num_samples : int
        The shape returned.
    generator : torch.Generator, optional
        Depths are uniform in their bins; without one, the middle of each bin.
    device : torch.device or str
        Where the depths go.
    """
    edges = torch.linspace(near, far, num_samples + 1, device=device)
    if generator is None:
        place = torch.full((num_rays, num_samples), 0.5, device=device)
    else:
        place = torch.rand((num_rays, num_samples), generator=generator, device=device)
    return edges[:-1] + (edges[1:] - edges[:-1]) * place


def render(
    raw: Tensor, depths: Tensor, *, background: float = 0.0
) -> dict[str, Tensor]:
    """Integrate along rays: alpha compositing, eq. 3 of the paper.

    Parameters
    ----------
    raw : Tensor, shape (R, S, 4)
        What `NeRF` returns: colours before the sigmoid, densities before the ReLU.
    depths : Tensor, shape (R, S)
        Ascending, times the length of the ray's direction.
    background : float
        Colour behind the scene.

    Returns
    -------
    dict of Tensor
        "colour" (R, 3), "depth" (R,), "opacity" (R,) and the "weights" (R, S).
    """
    steps = torch.diff(depths, append=torch.full_like(depths[:, :1], 1e10))
    optical = raw[..., 3].relu() * steps
    # What lies ahead, as a sum of logs: needs no 1 - alpha + 1e-10 inside a product.
    ahead = nn.functional.pad(optical[:, :-1].cumsum(dim=-1), (1, 0))
    weights = torch.exp(-ahead) * -torch.expm1(-optical)
    opacity = weights.sum(dim=-1)
    colour = (weights[..., None] * raw[..., :3].sigmoid()).sum(dim=-2)
    return {
        "colour": colour + background * (1 - opacity)[:, None],
        "depth": (weights * depths).sum(dim=-1),
        "opacity": opacity,
        "weights": weights,
    }
