"""Neural radiance field of Mildenhall et al. (2020): network, sampling, rendering."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from studies.models._norms import Norm, norm_factory


class PositionalEncoding(nn.Module):
    """Map x to (x, sin(2^k x), cos(2^k x)) for k < `frequencies`, eq. 4 of the paper.

    Without the factor pi of the equation, as in the authors' code.

    Parameters
    ----------
    frequencies : int
        Powers of two.
    """

    scales: Tensor

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
        place = _uniform((num_rays, num_samples), generator).to(device)
    return edges[:-1] + (edges[1:] - edges[:-1]) * place


def _uniform(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Return numbers from 0 to 1, drawn where the generator is."""
    return torch.rand(shape, generator=generator, device=generator.device)


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


def importance_depths(
    depths: Tensor,
    weights: Tensor,
    num_samples: int,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return further depths where a coarse rendering found something, section 5.2.

    The weights of the inner samples, over the intervals between midpoints, are a
    piecewise-constant density along the ray; its distribution is inverted.

    Parameters
    ----------
    depths, weights : Tensor, shape (R, S)
        Of the coarse samples, ascending; no gradient passes.
    num_samples : int
        Depths to draw for each ray.
    generator : torch.Generator, optional
        Draws are uniform; without one, at equal steps.

    Returns
    -------
    Tensor, shape (R, num_samples)
        Ascending where no generator is given.
    """
    edges = (depths[:, 1:] + depths[:, :-1]) / 2
    mass = weights[:, 1:-1].detach() + 1e-5  # as in the authors' code: an empty ray
    share = mass / mass.sum(dim=-1, keepdim=True)
    cdf = nn.functional.pad(share.cumsum(dim=-1), (1, 0))
    shape = (len(depths), num_samples)
    if generator is None:
        u = torch.linspace(0, 1, num_samples, device=depths.device).expand(shape)
    else:
        u = _uniform(shape, generator).to(depths.device)
    upper = torch.searchsorted(cdf, u.contiguous(), right=True)
    upper = upper.clamp(1, cdf.shape[1] - 1)
    low, high = cdf.gather(1, upper - 1), cdf.gather(1, upper)
    left, right = edges.gather(1, upper - 1), edges.gather(1, upper)
    step = high - low
    place = (u - low) / torch.where(step > 1e-5, step, 1.0)
    return left + (right - left) * place


def render_rays(
    networks: tuple[nn.Module, nn.Module],
    origins: Tensor,
    directions: Tensor,
    near: float,
    far: float,
    *,
    num_coarse: int = 64,
    num_fine: int = 128,
    noise: float = 0.0,
    background: float = 0.0,
    views: Tensor | None = None,
    generator: torch.Generator | None = None,
    guide: nn.Module | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Render rays by a coarse and then a fine network, section 5.2.

    Parameters
    ----------
    networks : tuple of NeRF
        Coarse and fine.
    origins, directions : Tensor, shape (R, 3)
        Of the rays; directions need not have unit length.
    near, far : float
        Depths in units of the direction.
    num_coarse, num_fine : int
        Samples of the coarse network, and those added for the fine one.
    noise : float
        Standard deviation of what is added to raw densities, in training.
    background : float
        See `render`.
    views : Tensor, shape (R, 3), optional
        Directions to look from where `directions` are bent, as those of NDC are.
    generator : torch.Generator, optional
        Of all randomness; without one, depths are fixed and there is no noise.
    guide : NeRF, optional
        Places the fine network's depths instead of the coarse one. No gradient passes
        through depths: only with a guide that is held do they not move with weights.

    Returns
    -------
    tuple of dict
        What `render` returns, coarse and fine.
    """
    seen = nn.functional.normalize(directions if views is None else views, dim=-1)

    def look(network: nn.Module, depths: Tensor) -> dict[str, Tensor]:
        points = origins[:, None] + directions[:, None] * depths[..., None]
        along = seen[:, None].expand_as(points)
        raw = network(points.flatten(0, 1), along.flatten(0, 1))
        raw = raw.unflatten(0, depths.shape)
        if generator is not None and noise > 0:
            place = generator.device
            draw = torch.randn(depths.shape, generator=generator, device=place)
            draw = draw.to(depths)
            raw = torch.cat([raw[..., :3], raw[..., 3:] + noise * draw[..., None]], -1)
        lengths = depths * directions.norm(dim=-1, keepdim=True)
        return render(raw, lengths, background=background)

    coarse_net, fine_net = networks
    depths = stratified_depths(
        near,
        far,
        len(origins),
        num_coarse,
        generator=generator,
        device=origins.device,
    )
    coarse = look(coarse_net, depths)
    weights = (coarse if guide is None else look(guide, depths))["weights"]
    more = importance_depths(depths, weights, num_fine, generator=generator)
    depths = torch.cat([depths, more], dim=-1).sort(dim=-1).values
    return coarse, look(fine_net, depths)
