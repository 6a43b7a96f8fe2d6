"""Normalisations by statistics of the batch, against torch's and written out."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from condlab.nn.norms import BatchChannelNorm, BatchGroupNorm, BatchRenorm
from tests.nn.norms.written_out import CLOSE, images, shuffled, with_parameters_of

pytestmark = pytest.mark.usefixtures("double_precision")


@pytest.mark.parametrize(
    ("options", "peer"),
    [
        ({"examples": 6}, lambda: nn.BatchNorm2d(4)),
        ({"groups": 2, "examples": 1}, lambda: nn.GroupNorm(2, 4)),
        ({"groups": 1, "examples": 1}, lambda: nn.GroupNorm(1, 4)),
        ({"examples": 1}, lambda: nn.InstanceNorm2d(4, affine=True)),
    ],
    ids=["batch", "group", "layer", "instance"],
)
def test_batch_group_norm_has_the_classics_as_special_cases(options, peer):
    x = images()
    layer = shuffled(BatchGroupNorm(4, **options))
    assert_close(layer(x), with_parameters_of(layer, peer())(x), **CLOSE)


def test_ghost_batches_are_batch_norms_of_the_parts():
    x = images(n=6)
    layer = shuffled(BatchGroupNorm(4, examples=2))
    peer = with_parameters_of(layer, nn.BatchNorm2d(4))
    assert_close(layer(x), torch.cat([peer(part) for part in x.split(2)]), **CLOSE)


def test_ghost_batches_share_a_remainder_instead_of_leaving_a_small_one():
    x = images(n=7)
    parts = x.tensor_split(
        [4]
    )  # of 7 = 2 * 3 + 1: four and three, not three, three, one
    layer, peer = BatchGroupNorm(4, examples=3), nn.BatchNorm2d(4)
    assert_close(layer(x), torch.cat([peer(part) for part in parts]), **CLOSE)


def test_a_batch_smaller_than_the_ghost_size_is_one_chunk():
    x = images(n=3)
    assert_close(BatchGroupNorm(4, examples=16)(x), nn.BatchNorm2d(4)(x), **CLOSE)


def test_moving_averages_are_of_first_and_second_moments():
    x = images()
    layer = BatchGroupNorm(4, momentum=1.0)
    layer(x)
    assert_close(layer.running_mean, x.mean((0, 2, 3)), **CLOSE)
    assert_close(layer.running_square, x.square().mean((0, 2, 3)), **CLOSE)


def test_inference_without_the_example_normalises_by_the_averages():
    x = images()
    layer = BatchGroupNorm(4, momentum=1.0)
    expected = layer(x)
    assert_close(layer.eval()(x), expected, **CLOSE)  # they are the batch's own


def test_inference_with_only_the_example_is_group_norm():
    x = images()
    layer = BatchGroupNorm(4, groups=2, example_weight=1.0).eval()
    assert_close(layer(x), nn.GroupNorm(2, 4)(x), **CLOSE)


def test_inference_mixes_moments_and_not_variances():
    x = images(n=1)
    layer = BatchGroupNorm(4, example_weight=0.25).eval()
    layer.running_mean.fill_(2.0)
    layer.running_square.fill_(9.0)
    first, second = x.mean((2, 3)), x.square().mean((2, 3))
    mean = 0.25 * first + 0.75 * 2
    var = 0.25 * second + 0.75 * 9 - mean**2
    expected = (x - mean[..., None, None]) / (var + 1e-5).sqrt()[..., None, None]
    assert_close(layer(x), expected, **CLOSE)


def test_batch_renorm_is_batch_norm_while_the_limits_are_trivial():
    x = images()
    layer = shuffled(BatchRenorm(4))
    assert_close(layer(x), with_parameters_of(layer, nn.BatchNorm2d(4))(x), **CLOSE)


def test_batch_renorm_uses_the_averages_once_the_limits_are_wide():
    x = images()
    layer = BatchRenorm(4, r_max=1e9, d_max=1e9)
    layer.num_batches_tracked.fill_(40_000)
    layer.running_mean.uniform_(0, 1)
    layer.running_std.uniform_(1, 2)
    expected = deepcopy(layer).eval()(x)
    assert_close(layer(x), expected, **CLOSE)


def test_batch_renorm_stops_the_gradient_of_its_correction():
    x = images().requires_grad_()
    layer = BatchRenorm(4)
    layer.num_batches_tracked.fill_(40_000)
    std = (x.var((0, 2, 3), correction=0) + 1e-5).sqrt()
    r = std.detach().clamp(1 / 3, 3)[:, None, None]
    d = x.mean((0, 2, 3)).detach().clamp(-5, 5)[:, None, None]
    z = (x - x.mean((0, 2, 3), keepdim=True)) / std[:, None, None]
    probe = torch.randn_like(x)
    (expected,) = torch.autograd.grad((probe * (z * r + d)).sum(), x)
    (gradient,) = torch.autograd.grad((probe * layer(x)).sum(), x)
    assert_close(gradient, expected, **CLOSE)


@pytest.mark.parametrize(
    ("step", "r_max", "d_max"),
    [
        (0, 1.0, 0.0),
        (5_000, 1.0, 0.0),
        (15_000, 1 + 4 / 7, 2.5),
        (25_000, 1 + 8 / 7, 5.0),
        (40_000, 3.0, 5.0),
        (90_000, 3.0, 5.0),
    ],
)
def test_batch_renorm_relaxes_its_limits_as_published(step, r_max, d_max):
    layer = BatchRenorm(1)
    layer.num_batches_tracked.fill_(step)
    limits = torch.stack(layer.limits())
    assert_close(limits, torch.tensor([r_max, d_max]), rtol=1e-6, atol=0)


def test_batch_channel_norm_is_group_norm_after_batch_norm():
    x = images(c=6)
    layer = BatchChannelNorm(6, groups=3)
    nn.init.uniform_(layer.weight)
    nn.init.uniform_(layer.bias)
    weight, bias = (p.repeat_interleave(2) for p in (layer.weight, layer.bias))
    expected = F.group_norm(nn.BatchNorm2d(6)(x), 3, weight, bias)
    assert_close(layer(x), expected, **CLOSE)


def test_estimated_batch_norm_moves_its_estimates_first():
    x = images(n=1, c=2)
    layer = BatchChannelNorm(2, groups=1, estimate=True, momentum=0.5)
    mean = 0.5 * x.mean((0, 2, 3))  # from 0
    var = 0.5 + 0.5 * x.square().mean((0, 2, 3))  # from 1, about the old mean 0
    z = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
    assert_close(layer(x), F.group_norm(z, 1), **CLOSE)
