"""Every weight normalisation by name, torch's own where torch has one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from condlab.machine.precision import wide
from condlab.nn._names import one_spelling
from condlab.nn._unknown import warn_of_unknown_kinds
from condlab.nn.conditioning import Conditioner, condition
from condlab.nn.layout import Kinds, Layout
from condlab.nn.maps.parametrization import EffectiveWeight, register
from condlab.nn.maps.polar import polar_factor
from condlab.nn.maps.torchs import TORCH, register_torchs
from condlab.nn.maps.unit import unit_lines
from condlab.nn.selection import Layers, Site, chain, choose

EpsPlace = Literal["outside", "inside", "none"]

RELU_GAIN = math.sqrt(2 / (1 - 1 / math.pi))  # 1 / standard deviation of relu(N(0, 1))

STANDARDIZATIONS = ("standardize", "center", "divide", "scaled_standardize")
OTHERS = ("centered_weight_norm", "orthogonal_weight_norm")
WEIGHT_METHODS = (*get_args(Conditioner), *STANDARDIZATIONS, *TORCH, *OTHERS)


def normalise_weights(
    module: nn.Module,
    method: str,
    *,
    layers: Layers = "all",
    kinds: Kinds | None = None,
    **options: object,
) -> nn.Module:
    """Reparametrize the weights of the chosen layers by any method of the sources.

    Parameters
    ----------
    module : torch.nn.Module
        A network or a layer; changed in place.
    method : str
        One of the following, or another usual name of it such as "WN" or "WS", where w
        is a row of the weight with n entries, mean m and standard deviation s:

        ============================ ===================================================
        "row", "column", ...         `condition`, with its options
        "standardize"                (w - m) / (s + eps) [1]_
        "center", "divide"           either half of it, Equations 5 and 6 of [1]_
        "scaled_standardize"         gamma (w - m) / (s sqrt(n)) times learned g [2]_
        "weight_norm"                g w / ‖w‖, g learned, ‖w‖ at first [3]_
        "centered_weight_norm"       g (w - m) / ‖w - m‖, g = ‖w - m‖ at first [4]_
        "spectral"                   W / sigma_max by power iteration [5]_
        "orthogonal"                 torch's, for layers stored as one matrix
        "orthogonal_weight_norm"     (V V')^-1/2 V, V = W with centred rows [6]_
        ============================ ===================================================
    layers : str, iterable of str, or callable
        As of `condition`. [1]_ wants the convolutions that a norm follows.
    kinds : mapping of classes, optional
        As of `condition`.
    **options
        Of the standardizations: ``affine`` (learn a gain of 1 and a shift of 0 for
        each row; False), ``biased`` (divide by n rather than n - 1 in the variance;
        True as in [1]_, whose code has False), ``eps`` (1e-5; 1e-4 for
        "scaled_standardize", whose code also has affine=True), ``eps_place``
        ("outside": s + eps as in [1]_; "inside": sqrt(s^2 + eps) as in many ports;
        "none": a row without variance is left undivided), ``gamma`` (of
        "scaled_standardize": that of the ReLU). Of "spectral" and "orthogonal": those
        of ``torch.nn.utils.parametrizations``.

    Returns
    -------
    torch.nn.Module
        `module` itself; `describe`, `fold` and `uncondition` apply.

    Raises
    ------
    ValueError
        If the method or an option is unknown, or no layer is chosen, or a weight is
        parametrized already, or has too low a rank for "orthogonal_weight_norm"; then
        nothing has been changed.

    Notes
    -----
    Outside the square root eps makes the derivative of most implementations infinite
    at a row without variance; here that row has derivative zero from the deviation.
    A row of zeros stays one, with a finite derivative, and so does a weight of zeros.
    The parameters of "weight_norm" are torch's, its derivatives those of the formula:
    in torch 2.13 the second ones of torch's own are wrong.
    In "orthogonal_weight_norm" rows are centred only where they are fewer than the
    columns (otherwise the result would be singular), and where they are more, the
    columns become orthonormal.

    References
    ----------
    .. [1] S. Qiao et al., "Weight standardization", arXiv:1903.10520, 2019.
    .. [2] A. Brock, S. De and S. L. Smith, "Characterizing signal propagation to close
       the performance gap in unnormalized ResNets", ICLR 2021, Section 4.
    .. [3] T. Salimans and D. P. Kingma, "Weight normalization", NeurIPS 2016.
    .. [4] L. Huang et al., "Centered weight normalization in accelerating training of
       deep neural networks", ICCV 2017.
    .. [5] T. Miyato et al., "Spectral normalization for generative adversarial
       networks", ICLR 2018.
    .. [6] L. Huang et al., "Orthogonal weight normalization", AAAI 2018.

    Examples
    --------
    >>> layer = normalise_weights(nn.Conv2d(4, 2, 3), "standardize")
    >>> layer.weight.std(dim=(1, 2, 3), correction=0).detach().round(decimals=2)
    tensor([1., 1.])
    """
    method = one_spelling(method)
    if method in get_args(Conditioner):
        conditioned: Callable[..., nn.Module] = condition
        return conditioned(module, method, layers=layers, kinds=kinds, **options)
    if method not in WEIGHT_METHODS:
        raise ValueError(f"method must be one of {WEIGHT_METHODS}, got {method!r}")
    chosen = choose(module, layers, kinds)
    if method == "orthogonal":
        chosen = _stored_as_one_matrix(chosen)
    for site in chosen:
        if chain(site.module, site.tensor):
            raise ValueError(
                f"{site.name} is parametrized already; fold it first, or end that with "
                f"torch.nn.utils.parametrize.remove_parametrizations(layer, "
                f"{site.tensor!r})"
            )
    if layers == "all":
        warn_of_unknown_kinds(module, kinds)
    if method in TORCH:
        register_torchs(chosen, method, options)
    else:
        _register_ours(chosen, method, options)
    return module


def _register_ours(
    chosen: list[Site], method: str, options: Mapping[str, object]
) -> None:
    make: Callable[..., EffectiveWeight] = partial(Standardization, method=method)
    if method == "centered_weight_norm":
        make = CenteredWeightNorm
    elif method == "orthogonal_weight_norm":
        make = OrthogonalWeightNorm
        for site in chosen:
            _require_rank(site)
    register(chosen, partial(make, **options))


@torch.no_grad()
def _require_rank(site: Site) -> None:
    """Raise where lines to be made orthogonal, zeros aside, depend on each other."""
    made = OrthogonalWeightNorm(site.weight, site.layout)
    stored = site.layout.matrices(site.weight)
    peaks = stored.abs().amax(1 if made.tall else 2).unsqueeze(2)
    lines = wide(made.lines(site.weight)) / wide(torch.where(peaks > 0, peaks, 1))
    needed = (lines != 0).any(2).sum(1)
    # The polar factor works with squares: it cannot see what is below eps there.
    seen = math.sqrt(lines.shape[1] * torch.finfo(lines.dtype).eps)
    ranks = torch.linalg.matrix_rank(lines, rtol=seen)
    if (ranks < needed).any():
        i = int((ranks < needed).nonzero()[0])
        raise ValueError(
            '"orthogonal_weight_norm" needs linearly independent rows, or columns '
            f"where they are fewer; of {site.name}'s {int(needed[i])} only "
            f"{int(ranks[i])} are, after centring. Initialise it anew, or use another "
            "method"
        )


def _stored_as_one_matrix(chosen: list[Site]) -> list[Site]:
    fit = [s for s in chosen if s.raw.ndim == 2 and s.layout.groups == 1]
    if not fit:
        raise ValueError(
            '"orthogonal" needs a layer stored as one matrix, got none; use '
            '"orthogonal_weight_norm", which sees a kernel as a matrix'
        )
    return fit


class Standardization(EffectiveWeight):
    """Weight standardization and its halves; see `normalise_weights`."""

    def __init__(
        self,
        W: Tensor,
        layout: Layout,
        *,
        method: str = "standardize",
        affine: bool | None = None,
        biased: bool = True,
        eps: float | None = None,
        eps_place: EpsPlace = "outside",
        gamma: float = RELU_GAIN,
    ) -> None:
        super().__init__(layout)
        if eps_place not in get_args(EpsPlace):
            places = get_args(EpsPlace)
            raise ValueError(f"eps_place must be one of {places}, got {eps_place!r}")
        scaled = method == "scaled_standardize"
        self.method, self.biased, self.eps_place = method, biased, eps_place
        self.eps = (1e-4 if scaled else 1e-5) if eps is None else eps
        self.gamma = gamma if scaled else None
        affine = scaled if affine is None else affine
        rows = layout.row_shape(W)
        self.columns = W.numel() // math.prod(rows)
        self.gain = nn.Parameter(W.new_ones(rows)) if affine else None
        shift = affine and not scaled
        self.shift = nn.Parameter(W.new_zeros(rows)) if shift else None

    def effective(self, W: Tensor) -> Tensor:
        """Return W standardized."""
        B = self.layout.split(W)
        axes = self.layout.row_axes(W)
        if self.method == "center":
            B = B - B.mean(axes, keepdim=True)
        else:
            correction = 0 if self.biased else 1
            variance, mean = torch.var_mean(
                B, axes, keepdim=True, correction=correction
            )
            B = B if self.method == "divide" else B - mean
            B = B / self._deviation(variance)
        if self.gamma is not None:
            B = B * (self.gamma / math.sqrt(self.columns))
        B = B if self.gain is None else B * self.gain
        B = B if self.shift is None else B + self.shift
        return self.layout.merge(B)

    def repeatable(self) -> bool:
        """Return True."""
        return True

    def _deviation(self, variance: Tensor) -> Tensor:
        if self.eps_place == "inside":
            return (variance + self.eps).sqrt()
        zero = variance == 0
        # The double where keeps the infinite derivative of the root at zero out.
        root = torch.where(zero, 1, variance).sqrt()
        if self.eps_place == "none":
            return root
        return torch.where(zero, 0, root) + self.eps


class CenteredWeightNorm(EffectiveWeight):
    """Centre each row, scale it to unit norm, and learn its length."""

    method = "centered_weight_norm"

    def __init__(self, W: Tensor, layout: Layout) -> None:
        super().__init__(layout)
        B, axes = self._centred(W)
        _, norms = unit_lines(B, axes)
        self.gain = nn.Parameter(norms.to(W.dtype))

    def effective(self, W: Tensor) -> Tensor:
        """Return W with centred rows of the learned lengths."""
        V, _ = unit_lines(*self._centred(W))
        return self.layout.merge(V * self.gain)

    def repeatable(self) -> bool:
        """Return True."""
        return True

    def _centred(self, W: Tensor) -> tuple[Tensor, tuple[int, ...]]:
        B, axes = self.layout.split(W), self.layout.row_axes(W)
        return B - B.mean(axes, keepdim=True), axes


class OrthogonalWeightNorm(EffectiveWeight):
    """Replace each matrix, its rows centred, by its orthogonal polar factor."""

    method = "orthogonal_weight_norm"

    def __init__(self, W: Tensor, layout: Layout) -> None:
        super().__init__(layout)
        _, m, n = layout.matrices(W).shape
        self.tall, self.wide = m > n, m < n

    def effective(self, W: Tensor) -> Tensor:
        """Return W with orthonormal rows, or columns where they are fewer."""
        M = polar_factor(self.lines(W))
        return self.layout.unmatrix(M.mT if self.tall else M, W.shape)

    def lines(self, W: Tensor) -> Tensor:
        """Return the rows of the matrices, centred, or the columns if they are fewer.

        The result has shape (groups, min(m, n), max(m, n)).
        """
        M = self.layout.matrices(W)
        M = M.mT if self.tall else M
        return M - M.mean(2, keepdim=True) if self.wide else M
