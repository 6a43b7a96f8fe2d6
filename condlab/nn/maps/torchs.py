"""Torch's weight normalisations, right where torch's own are not.

In torch 2.13 the fused ``_weight_norm`` has wrong second derivatives, in (v, v) and
(g, v); a row of zeros gives nan, as does a weight of zeros under ``spectral_norm``,
whose power iteration also takes entries below its ``eps`` for zeros; and ``orthogonal``
of a weight whose rank is too low is singular, since it multiplies by the signs of a
diagonal that has zeros. Here a line or a weight of zeros has divisor 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrizations import _SpectralNorm

from condlab.nn.layout import Layout
from condlab.nn.maps._lengths import rows_of_lengths
from condlab.nn.maps._recurrent import keep_no_weights
from condlab.nn.maps.parametrization import add_map, all_or_nothing, take_class
from condlab.nn.maps.unit import unit_lines
from condlab.nn.selection import Site, maps_of

TORCH = ("weight_norm", "spectral", "orthogonal")


def register_torchs(
    chosen: Sequence[Site], method: str, options: Mapping[str, object]
) -> None:
    """Parametrize weights in place by a method of `TORCH`, all of them or none."""
    for site in chosen:
        if sum(other.raw is site.raw for other in chosen) > 1:
            raise ValueError(
                f"{method!r} would untie {site.name} from the layer it shares its "
                "weight with; choose other layers"
            )
        if method == "spectral" and site.layout.stacked:
            raise ValueError(
                f'"spectral" needs weights that are one matrix, got the stack '
                f"{site.name}; choose other layers"
            )
    with all_or_nothing(chosen):
        for site in chosen:
            _ADD[method](site, **options)


def _add_weight_norm(site: Site) -> None:
    layer, tensor = site.module, site.tensor
    take_class(layer)
    # Torch's function also arranges for checkpoints of its older hook to load.
    parametrizations.weight_norm(layer, tensor, dim=site.layout.output_axis)
    keep_no_weights(layer)
    maps = maps_of(layer, tensor)
    directions = maps.get_parameter("original1")
    ours = WeightNorm(site.layout, directions.ndim)
    maps[0] = ours.train(layer.training)
    g, _ = ours.right_inverse(directions.detach())
    maps.register_parameter("original0", nn.Parameter(g))


def _add_spectral(
    site: Site, *, n_power_iterations: int = 1, eps: float = 1e-12
) -> None:
    W = site.weight.detach()
    made = SpectralNorm(W, n_power_iterations, site.layout.output_axis, eps)
    add_map(site, made.train(site.module.training))


def _add_orthogonal(
    site: Site, *, orthogonal_map: str | None = None, use_trivialization: bool = True
) -> None:
    layer, tensor = site.module, site.tensor
    _complete(site.raw)
    take_class(layer)
    parametrizations.orthogonal(
        layer, tensor, orthogonal_map, use_trivialization=use_trivialization
    )
    keep_no_weights(layer)


_ADD: dict[str, Callable[..., None]] = {
    "weight_norm": _add_weight_norm,
    "spectral": _add_spectral,
    "orthogonal": _add_orthogonal,
}


@torch.no_grad()
def _complete(W: Tensor) -> None:
    """Give a weight of too low a rank the orthogonal factor of its QR factorisation.

    Torch takes the factor with R's diagonal positive; where that has zeros any sign is.
    """
    tall = W.mT if W.shape[0] < W.shape[1] else W
    wide = tall.detach().to(torch.promote_types(tall.dtype, torch.float32))
    Q, R = torch.linalg.qr(wide)
    signs = R.diagonal().sign()
    if signs.all():
        return
    Q = (Q * torch.where(signs == 0, 1, signs)).to(W.dtype)
    Q = Q.mT if W.shape[0] < W.shape[1] else Q
    W.set_(Q.contiguous())  # the old values stay where they are, to be put back


class WeightNorm(nn.Module):
    """g v / ‖v‖ for each row v, with the derivatives of that formula to any order."""

    method = "weight_norm"

    def __init__(self, layout: Layout, ndim: int) -> None:
        super().__init__()
        kept = {layout.output_axis + layout.stacked, *range(layout.stacked)}
        self.axes = tuple(axis for axis in range(ndim) if axis not in kept)

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        """Return the weight of rows with directions v and lengths g."""
        return rows_of_lengths(g, v, self.axes)

    def right_inverse(self, W: Tensor) -> tuple[Tensor, Tensor]:
        """Return lengths and directions; those of a row of zeros are 1 and zero."""
        return unit_lines(W, self.axes)[1].to(W.dtype), W


class SpectralNorm(_SpectralNorm):
    """W / sigma_max with torch's buffers, for weights of any size."""

    method = "spectral"

    @torch.no_grad()
    def _power_method(self, weight_mat: Tensor, n_power_iterations: int) -> None:
        peak = weight_mat.abs().amax()
        M = weight_mat / torch.where(peak == 0, 1, peak)
        for _ in range(n_power_iterations):
            for kept, new in ((self._u, M @ self._v), (self._v, M.mT @ self._u)):
                length = torch.linalg.vector_norm(new)
                unit = new / torch.where(length == 0, 1, length)
                kept.copy_(torch.where(length == 0, kept, unit))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight over its largest singular value; zeros stay as they are."""
        M = self._reshape_weight_to_matrix(weight)
        if self.training:
            self._power_method(M, self.n_power_iterations)
        # Of the buffers as they are now: a second forward pass writes to them.
        sigma = torch.vdot(self._u.clone(), torch.mv(M, self._v.clone()))
        return weight / torch.where(sigma == 0, 1, sigma)
