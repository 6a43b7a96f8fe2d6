"""Normalisations of single examples, written out."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from condlab.nn.norms import (
    AdaptiveInstanceNorm,
    AdaptiveLayerNorm,
    ChannelLayerNorm,
    ContrastResponseNorm,
    DivisiveNorm,
    FixNorm,
    GlobalResponseNorm,
    GroupRMSNorm,
    LocalContrastNorm,
    LocalResponseNorm,
    QKNorm,
    ScaleNorm,
    make_norm,
)
from tests.nn.norms.written_out import CLOSE, images, shuffled, with_parameters_of

pytestmark = pytest.mark.usefixtures("double_precision")


def test_root_mean_square_of_an_image_is_torchs_of_the_whole():
    x = images()
    expected = nn.RMSNorm(4 * 25, eps=1e-5)(x.flatten(1)).reshape(x.shape)
    assert_close(GroupRMSNorm(4)(x), expected, **CLOSE)


def test_channel_layer_norm_is_layer_norm_at_each_position():
    x = images()
    layer = shuffled(ChannelLayerNorm(4))
    peer = with_parameters_of(layer, nn.LayerNorm(4, eps=1e-6))
    assert_close(layer(x), peer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), **CLOSE)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_local_response_differs_from_torchs_by_the_size_in_alpha(size):
    x = images(c=7)
    ours = LocalResponseNorm(size=size, alpha=0.3, alpha_convention="sum")
    torchs = nn.LocalResponseNorm(size, alpha=0.3 * size, k=2)
    assert_close(ours(x), torchs(x), **CLOSE)
    ours = LocalResponseNorm(size=size, alpha=0.3, alpha_convention="mean")
    assert_close(ours(x), nn.LocalResponseNorm(size, alpha=0.3, k=2)(x), **CLOSE)


def test_local_response_is_alexnets_sum_over_five_neighbours():
    x = images(c=9).numpy()
    sums = sum(np.roll(np.pad(x**2, ((0, 0), (2, 2), (0, 0), (0, 0))), j, 1)[:, 2:-2]
               for j in range(-2, 3))  # fmt: skip
    expected = x / (2 + 1e-4 * sums) ** 0.75
    assert_close(LocalResponseNorm()(torch.tensor(x)), torch.tensor(expected), **CLOSE)


def test_divisive_norm_divides_by_its_weighted_pool():
    x = images(n=2, c=3)
    layer = DivisiveNorm(3, window=3)
    nn.init.uniform_(layer.pool_root)
    nn.init.uniform_(layer.offset_root, 0.5, 1.0)
    w, b = (p.detach().numpy() ** 2 for p in (layer.pool_root, layer.offset_root))
    squares = x.numpy() ** 2
    pool = np.array([
        [sum(ndimage.correlate(image[j], w[i, j], mode="constant") for j in range(3))
         for i in range(3)]
        for image in squares
    ])  # fmt: skip
    expected = x / torch.tensor(np.sqrt(b[:, None, None] + pool))
    assert_close(layer(x), expected, **CLOSE)


def test_local_contrast_follows_jarrett():
    x = images(n=2, c=2, h=12, w=12)
    offsets = np.arange(9) - 4
    line = np.exp(-0.5 * (offsets / (9 / 4)) ** 2)
    window = np.outer(line, line) / (2 * np.outer(line, line).sum())

    def pool(image):
        return sum(ndimage.correlate(c, window, mode="constant") for c in image)

    inside = pool(np.ones((2, 12, 12)))
    for image, y in zip(x.numpy(), LocalContrastNorm(2)(x), strict=True):
        v = image - pool(image) / inside
        sigma = np.sqrt(pool(v**2) / inside)
        expected = v / np.maximum(sigma, sigma.mean())
        assert_close(y, torch.tensor(expected), **CLOSE)


def test_contrast_response_divides_by_deviations_from_local_means():
    x = images(n=2, c=6)
    y = ContrastResponseNorm(size=3, window=3, k=1.5, alpha=0.7, beta=0.6)(x)
    a = x.numpy()
    about = np.zeros_like(a)
    for n, j, h, w in np.ndindex(a.shape):
        window = a[n, j, max(0, h - 1) : h + 2, max(0, w - 1) : w + 2]
        about[n, j, h, w] = a[n, j, h, w] - window.mean()
    for n, i, h, w in np.ndindex(a.shape):
        pool = (about[n, max(0, i - 1) : i + 2, h, w] ** 2).sum()
        assert float(y[n, i, h, w]) == pytest.approx(
            a[n, i, h, w] / (1.5 + 0.7 * pool) ** 0.6, rel=CLOSE["rtol"]
        )


def test_contrast_response_of_lone_pixels_leaves_the_activity_alone():
    """A window of one position has its own value for a mean."""
    x = images()
    y = ContrastResponseNorm(window=1, k=1.0, alpha=3.0)(x)
    assert_close(y, x, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("layout", "shape"), [("signals", (6, 4, 7)), ("volumes", (6, 4, 3, 2, 5))]
)
def test_batch_norm_of_other_convolutions_is_that_of_images_laid_out_in_rows(
    layout, shape
):
    x = torch.randn(shape) * 2 + 1
    rows = x.reshape(*shape[:2], -1, 1)
    expected = nn.BatchNorm2d(4)(rows).reshape(shape)
    assert_close(make_norm("batch", 4, layout=layout)(x), expected, **CLOSE)


def test_global_response_is_convnexts_channels_last_formula():
    x = images()
    layer = GlobalResponseNorm(4)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    z = x.permute(0, 2, 3, 1)
    G = torch.norm(z, p=2, dim=(1, 2), keepdim=True)
    N = G / (G.mean(dim=-1, keepdim=True) + 1e-6)
    expected = (layer.weight * (z * N) + layer.bias + z).permute(0, 3, 1, 2)
    assert_close(layer(x), expected, **CLOSE)


def test_adaptive_instance_norm_gives_the_content_the_styles_statistics():
    content, style = images(n=2), 3 * images(n=2, h=3, w=7) - 1
    y = AdaptiveInstanceNorm(eps=0.0)(content, style)
    assert_close(y.mean((2, 3)), style.mean((2, 3)), **CLOSE)
    assert_close(y.var((2, 3)), style.var((2, 3)), **CLOSE)


def test_adaptive_instance_norm_by_the_surveys_variance_is_its_formula():
    content, style = images(n=2), 3 * images(n=2, h=3, w=7) - 1
    y = AdaptiveInstanceNorm(eps=0.1, correction=0, style_eps=False)(content, style)
    x, s = content.numpy(), style.numpy()
    axes = {"axis": (2, 3), "keepdims": True}
    inner = (x - x.mean(**axes)) / np.sqrt(x.var(**axes) + 0.1)
    expected = s.std(**axes) * inner + s.mean(**axes)
    assert_close(y, torch.tensor(expected), **CLOSE)


def test_both_variances_of_adaptive_instance_norm_differ_by_the_positions_alone():
    """Without eps: by the root of (1 - 1/m) / (1 - 1/n), so not at all if m = n."""
    content = images(n=2)
    for side in (5, 3):
        style = 3 * images(n=2, h=side, w=side) - 1
        ours, theirs = (
            AdaptiveInstanceNorm(eps=0.0, correction=c)(content, style)
            - style.mean((2, 3), keepdim=True)
            for c in (1, 0)
        )
        factor = math.sqrt((1 - side**-2) / (1 - 1 / 25))
        assert_close(theirs, factor * ours, **CLOSE)


def test_a_constant_style_has_a_finite_gradient_without_eps():
    style = torch.full((1, 2, 3, 3), 5.0, requires_grad=True)
    y = AdaptiveInstanceNorm(style_eps=False)(images(n=1, c=2), style)
    y.sum().backward()
    assert bool(style.grad.isfinite().all())
    assert_close(y, torch.full_like(y, 5.0), rtol=0, atol=0)


def test_adaptive_layer_norm_starts_as_the_identity_of_a_residual_block():
    x, condition = torch.randn(2, 5, 8), torch.randn(2, 3)
    y, gate = AdaptiveLayerNorm(8, 3)(x, condition)
    assert_close(y, F.layer_norm(x, (8,), eps=1e-6), rtol=0, atol=0)
    assert_close(x + gate * torch.randn_like(x), x, rtol=0, atol=0)


def test_adaptive_layer_norm_modulates_by_its_condition():
    x, condition = torch.randn(2, 5, 8), torch.randn(2, 3)
    layer = AdaptiveLayerNorm(8, 3)
    nn.init.normal_(layer.modulation.weight)
    code = F.silu(condition) @ layer.modulation.weight.T
    shift, scale, alpha = code[:, None, :8], code[:, None, 8:16], code[:, None, 16:]
    y, gate = layer(x, condition)
    assert_close(y, F.layer_norm(x, (8,), eps=1e-6) * (1 + scale) + shift, **CLOSE)
    assert_close(gate, alpha, **CLOSE)


def test_scale_norm_at_its_start_is_rms_norm_without_eps():
    x = torch.randn(3, 5, 8)
    assert_close(ScaleNorm(8)(x), F.rms_norm(x, (8,), eps=0.0), **CLOSE)


def test_scale_norms_can_share_one_length():
    first = ScaleNorm(8)
    net = nn.Sequential(first, ScaleNorm(8, shared=first))
    assert len(list(net.parameters())) == 1


def test_unit_vectors_survive_extreme_lengths():
    x = torch.tensor([[1e-300, 0.0], [3e300, 4e300], [0.0, 0.0]])
    expected = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 0.0]]) * math.sqrt(2)
    assert_close(ScaleNorm(2)(x), expected, **CLOSE)


def test_fix_norm_gives_scaled_cosines():
    h = torch.randn(5, 8)
    head = FixNorm(8, 3, g=7.0)
    expected = 7 * F.cosine_similarity(h[:, None], head.weight[None], dim=-1)
    assert_close(head(h), expected, **CLOSE)


def test_query_key_norm_gives_scaled_cosines():
    q, k = torch.randn(2, 3, 4, 8), torch.randn(2, 3, 4, 8)
    norm = QKNorm(100)
    scaled, unit = norm(q, k)
    cosines = F.cosine_similarity(q[..., :, None, :], k[..., None, :, :], dim=-1)
    assert_close(scaled @ unit.mT, math.log2(100**2 - 100) * cosines, **CLOSE)
