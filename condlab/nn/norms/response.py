"""Normalisations by the activity of a neighbourhood."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from condlab.nn.norms._channels import affine


class LocalResponseNorm(nn.Module):
    r"""Divide by the activity of neighbouring channels at the same position.

    .. math:: b^i = a^i / \left(k + \alpha \sum_j (a^j)^2\right)^\beta

    over the `size` channels j around i. There is no mean in it.

    Parameters
    ----------
    channels : int
        Not needed; there is one so that every layer is built alike.
    size, k, alpha, beta : int and float
        5, 2, 1e-4 and 0.75 in the source.
    alpha_convention : {"sum", "mean"}
        "sum" is the source's; "mean" divides alpha by the size, as
        `torch.nn.LocalResponseNorm` does.

    References
    ----------
    .. [1] A. Krizhevsky, I. Sutskever and G. E. Hinton, "ImageNet classification with
       deep convolutional neural networks", NeurIPS 2012, section 3.3.

    Examples
    --------
    >>> LocalResponseNorm(1, k=0.0, alpha=1.0, beta=0.5)(torch.full((1, 1, 1), 7.0))
    tensor([[[1.]]])
    """

    def __init__(
        self,
        channels: int | None = None,  # noqa: ARG002
        *,
        size: int = 5,
        k: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        alpha_convention: Literal["sum", "mean"] = "sum",
    ) -> None:
        super().__init__()
        if alpha_convention not in ("sum", "mean"):
            raise ValueError(
                f"alpha_convention must be 'sum' or 'mean', got {alpha_convention!r}"
            )
        self.size, self.k, self.alpha, self.beta = size, k, alpha, beta
        self.alpha_convention = alpha_convention

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x, of the same shape (N, C, ...)."""
        alpha = self.alpha * (self.size if self.alpha_convention == "sum" else 1)
        return F.local_response_norm(x, self.size, alpha, self.beta, self.k)


class ContrastResponseNorm(nn.Module):
    r"""Divide by how far neighbouring channels are from their local means.

    .. math:: b^i = a^i / \left(k + \alpha \sum_j (a^j - \bar a^j)^2\right)^\beta

    over the `size` channels j around i, with :math:`\bar a^j` the mean of channel j in
    a square window around the position, of which only what is inside the image counts.
    Surveys call it local contrast normalisation; what their source does is
    `LocalContrastNorm`, which subtracts the mean from a itself as well.

    Parameters
    ----------
    channels : int
        Not needed; there is one so that every layer is built alike.
    size : int
        Odd number of channels.
    window : int
        Odd side of the window, to be chosen on validation data like all else.
    k, alpha, beta : float
        Those of `LocalResponseNorm` by default, which it is where the mean is zero.

    References
    ----------
    .. [1] Wikipedia, "Normalization (machine learning)", section "Response
       normalization", whose formula it is.

    Examples
    --------
    >>> ContrastResponseNorm(k=1.0)(torch.full((1, 1, 3, 3), 7.0)).unique()
    tensor([7.])
    """

    def __init__(
        self,
        channels: int | None = None,  # noqa: ARG002
        *,
        size: int = 5,
        window: int = 9,
        k: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
    ) -> None:
        super().__init__()
        _need_odd(window)
        _need_odd(size, "the number of channels")
        self.size, self.window = size, window
        self.k, self.alpha, self.beta = k, alpha, beta

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x, of the same shape (N, C, H, W)."""
        mean = F.avg_pool2d(
            x, self.window, 1, self.window // 2, count_include_pad=False
        )
        squares = F.pad((x - mean).square(), (0, 0, 0, 0, *[self.size // 2] * 2))
        pool = squares.unfold(1, self.size, 1).sum(dim=-1)
        return x / (self.k + self.alpha * pool) ** self.beta


class DivisiveNorm(nn.Module):
    r"""Divide by the root of a weighted sum of squares of a pool of neighbours.

    .. math:: y_i = x_i / \left(b_i + \sum_j w_{ij} x_j^2\right)^{1/2}

    over all channels and the positions of a window around each. The weights, and b,
    are the squares of parameters, so that they stay nonnegative.

    Parameters
    ----------
    channels : int
        C, of inputs of shape (N, C, H, W).
    window : int
        Odd side of the window; zeros lie around the image.
    learn : bool
        Whether w and b are learned from their start, w the mean over the pool and
        b = 1, or stay there.

    References
    ----------
    .. [1] S. Lyu and E. P. Simoncelli, "Nonlinear image representation using divisive
       normalization", CVPR 2008, eq. 1.
    .. [2] M. Ren, R. Liao, R. Urtasun, F. H. Sinz and R. S. Zemel, "Normalizing the
       normalizers", ICLR 2017, whose smoother sigma^2 is b.

    Examples
    --------
    >>> DivisiveNorm(2)(torch.ones(1, 2, 1, 1)).squeeze()  # 1 / sqrt(1 + 1)
    tensor([0.7071, 0.7071], grad_fn=<SqueezeBackward0>)
    """

    def __init__(self, channels: int, *, window: int = 1, learn: bool = True) -> None:
        super().__init__()
        _need_odd(window)
        pool = torch.full((channels, channels, window, window), 1.0)
        self.pool_root = nn.Parameter(
            pool / (channels * window**2) ** 0.5, requires_grad=learn
        )
        self.offset_root = nn.Parameter(torch.ones(channels), requires_grad=learn)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x, of the same shape (N, C, H, W)."""
        pool, offset = self.pool_root.square(), self.offset_root.square()
        return x / F.conv2d(x * x, pool, offset, padding="same").sqrt()


class LocalContrastNorm(nn.Module):
    r"""Subtract a local mean over all channels, then divide by a local deviation.

    .. math:: v = x - \sum_{ipq} w_{pq} x_{i, j+p, k+q}, \quad
       \sigma_{jk} = \Big(\sum_{ipq} w_{pq} v_{i, j+p, k+q}^2\Big)^{1/2}, \quad
       y = v / \max(c, \sigma_{jk})

    with a Gaussian window whose weights sum to one over window and channels, and c
    the mean of sigma over the image. At the border the weights inside are made to sum
    to one again.

    Parameters
    ----------
    channels : int
        C, of inputs of shape (N, C, H, W).
    window : int
        Odd side of the window; 9 in the source.
    deviation : float, optional
        Standard deviation of the window in pixels, which the source does not give;
        by default a quarter of the window.

    References
    ----------
    .. [1] K. Jarrett, K. Kavukcuoglu, M. Ranzato and Y. LeCun, "What is the best
       multi-stage architecture for object recognition?", ICCV 2009, section 2.

    Examples
    --------
    >>> bool(LocalContrastNorm(1)(torch.ones(1, 1, 12, 12)).abs().max() < 1e-6)
    True
    """

    kernel: Tensor

    def __init__(
        self, channels: int, *, window: int = 9, deviation: float | None = None
    ) -> None:
        super().__init__()
        _need_odd(window)
        width = window / 4 if deviation is None else deviation
        offsets = torch.arange(window, dtype=torch.get_default_dtype()) - window // 2
        line = torch.exp(-0.5 * (offsets / width) ** 2)
        plane = line[:, None] * line
        kernel = (plane / (channels * plane.sum())).expand(1, channels, -1, -1)
        self.register_buffer("kernel", kernel.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x, of the same shape (N, C, H, W)."""
        inside = self._pool(torch.ones_like(x[:1]))
        v = x - self._pool(x) / inside
        variance = self._pool(v * v) / inside
        # The root's derivative at zero is infinite, and the quotient there is zero.
        positive = variance > 0
        deviation = torch.where(positive, variance, 1.0).sqrt() * positive
        c = deviation.mean(dim=(2, 3), keepdim=True)
        scale = torch.maximum(deviation, c)
        return v / torch.where(scale > 0, scale, 1.0)

    def _pool(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel, padding="same")


class GlobalResponseNorm(nn.Module):
    r"""Calibrate channels by their share of the response: GRN of ConvNeXt V2.

    .. math:: y = \gamma \, x \, N(x) + \beta + x, \quad
       N_i = G_i / (\mathrm{mean}_j\, G_j + \epsilon), \quad G_i = \|X_i\|_2

    with the norm over all positions of a channel. It starts as the identity.

    Parameters
    ----------
    channels : int
        C, of inputs of shape (N, C, ...).
    eps : float
        1e-6 in the source.

    References
    ----------
    .. [1] S. Woo et al., "ConvNeXt V2", CVPR 2023, Algorithm 1.

    Examples
    --------
    >>> x = torch.randn(2, 3, 4, 4)
    >>> bool((GlobalResponseNorm(3)(x) == x).all())
    True
    """

    def __init__(self, channels: int, *, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the calibrated x, of the same shape (N, C, ...)."""
        square = (x * x).sum(dim=list(range(2, x.ndim)), keepdim=True)
        positive = square > 0  # a silent channel must not make the gradient nan
        norm = torch.where(positive, square, 1.0).sqrt() * positive
        share = norm / (norm.mean(dim=1, keepdim=True) + self.eps)
        return affine(x * share, self.weight, self.bias) + x


def _need_odd(side: int, what: str = "the window's side") -> None:
    if side < 1 or side % 2 == 0:
        raise ValueError(f"{what} must be odd, got {side}")
