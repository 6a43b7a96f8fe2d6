"""Whitening and switching of norms, written out."""

import math

import numpy as np
import pytest
import torch
from scipy import linalg
from torch import nn
from torch.testing import assert_close

from condlab.nn.norms import (
    SwitchableNorm,
    WhiteningNorm,
    inverse_root,
    newton_root,
    sparsemax,
    sparsestmax,
)
from tests.nn.norms.written_out import CLOSE, images, shuffled, with_parameters_of

pytestmark = pytest.mark.usefixtures("double_precision")


@pytest.mark.parametrize("method", ["zca", "newton"])
def test_whitening_single_channels_is_batch_norm(method):
    x = images()
    layer = shuffled(WhiteningNorm(4, group_size=1, method=method))
    assert_close(layer(x), with_parameters_of(layer, nn.BatchNorm2d(4))(x), **CLOSE)


def test_whitening_decorrelates_within_groups_by_the_symmetric_root():
    x = torch.randn(64, 6) @ torch.randn(6, 6) + 3
    y = WhiteningNorm(6, group_size=3)(x)
    for block in (slice(0, 3), slice(3, 6)):
        S = torch.cov(x[:, block].T, correction=0) + 1e-5 * torch.eye(3)
        root = torch.tensor(linalg.inv(linalg.sqrtm(S.numpy())))
        expected = (x[:, block] - x[:, block].mean(0)) @ root
        kappa = torch.linalg.cond(S)
        assert_close(y[:, block], expected, rtol=0, atol=float(64 * 2.0**-52 * kappa))


def test_newtons_five_steps_are_those_of_iternorm():
    S = torch.tensor([[2.0, 0.5], [0.5, 1.0]])
    trace, P = 3.0, np.eye(2)
    for _ in range(5):
        P = 0.5 * (3 * P - np.linalg.matrix_power(P, 3) @ S.numpy() / trace)
    assert_close(newton_root(S), torch.tensor(P / math.sqrt(trace)), **CLOSE)
    assert_close(newton_root(S, steps=30), inverse_root(S), **CLOSE)


def test_whitening_in_evaluation_uses_averages_of_mean_and_matrix():
    x = torch.randn(64, 4) @ torch.randn(4, 4)
    layer = WhiteningNorm(4, momentum=1.0)
    expected = layer(x)
    assert_close(layer.eval()(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("chosen", "peer"),
    [(0, nn.InstanceNorm2d(4)), (1, nn.GroupNorm(1, 4)), (2, nn.BatchNorm2d(4))],
    ids=["instance", "layer", "batch"],
)
def test_a_switched_norm_is_the_chosen_one(chosen, peer):
    x = images()
    layer = SwitchableNorm(4, switch="sparsestmax", radius=1.0)
    for switch in (layer.mean_switch, layer.var_switch):
        nn.init.zeros_(switch)
        switch.data[chosen] = 2.0
    assert_close(layer(x), peer.double()(x), **CLOSE)


def test_switchable_norm_mixes_means_and_variances_apart():
    x = images()
    layer = SwitchableNorm(4)
    nn.init.normal_(layer.mean_switch)
    nn.init.normal_(layer.var_switch)
    axes = [(2, 3), (1, 2, 3), (0, 2, 3)]
    w, v = layer.mean_switch.softmax(0), layer.var_switch.softmax(0)
    mean = sum(w[k] * x.mean(axes[k], keepdim=True) for k in range(3))
    var = sum(v[k] * x.var(axes[k], correction=0, keepdim=True) for k in range(3))
    assert_close(layer(x), (x - mean) / (var + 1e-5).sqrt(), **CLOSE)


def test_sparsemax_is_the_projection_on_the_simplex():
    for z in torch.randn(20, 3):
        p = sparsemax(z)
        corners = torch.eye(3)
        assert_close(p.sum(), torch.tensor(1.0), **CLOSE)
        # Projections are characterised by an obtuse angle to every corner.
        assert bool(((corners - p) @ (z - p) <= 1e-12).all())


@pytest.mark.parametrize("radius", [0.0, 0.3, 0.45, 0.7, math.sqrt(2 / 3)])
def test_sparsestmax_keeps_its_distance_from_the_centre(radius):
    for z in torch.randn(20, 3):
        p = sparsestmax(z, radius)
        assert float((p - 1 / 3).norm()) >= radius - 1e-12
        assert_close(p.sum(), torch.tensor(1.0), **CLOSE)
        assert float(p.min()) >= 0


def test_sparsestmax_of_a_single_radius_is_the_nearest_point_outside():
    angle = torch.linspace(0, 2 * math.pi, 100_001)
    u, v = torch.tensor([1.0, -1, 0]) / 2**0.5, torch.tensor([1.0, 1, -2]) / 6**0.5
    circle = 1 / 3 + 0.3 * (angle.cos()[:, None] * u + angle.sin()[:, None] * v)
    z = torch.tensor([0.45, 0.30, 0.25])
    nearest = circle[(circle - z).norm(dim=1).argmin()]
    assert_close(sparsestmax(z, 0.3), nearest, rtol=0, atol=2 * math.pi / 100_000)
