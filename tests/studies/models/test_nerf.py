"""The radiance field's encoding, sampling and rendering."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.testing import assert_close

from studies import models
from studies.models.nerf import (
    PositionalEncoding,
    importance_depths,
    render,
    stratified_depths,
)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_positions_are_encoded_as_in_nerfs_code():
    x = torch.randn(5, 3)
    parts = [x]
    for k in range(4):
        parts += [torch.sin(2**k * x), torch.cos(2**k * x)]
    assert_close(PositionalEncoding(4)(x), torch.cat(parts, dim=-1))


def test_a_uniform_medium_absorbs_by_the_beer_lambert_law():
    depths = torch.linspace(0, 2, 65, dtype=torch.float64).expand(1, -1)
    raw = torch.zeros(1, 65, 4, dtype=torch.float64)
    raw[..., 3] = 0.7
    raw[:, -1, 3] = 0  # nothing behind
    out = render(raw, depths, background=1.0)
    opacity = 1 - math.exp(-0.7 * 2)
    assert_close(float(out["opacity"]), opacity, rtol=1e-12, atol=0)
    colour = 0.5 * opacity + (1 - opacity)  # sigmoid(0) before white
    assert_close(out["colour"], torch.full((1, 3), colour, dtype=torch.float64))
    assert_close(out["weights"].sum(), out["opacity"].sum())


def test_an_opaque_last_sample_takes_all_that_is_left():
    raw = torch.zeros(1, 3, 4)
    raw[..., 3] = torch.tensor([1.0, 2.0, 1.0])
    out = render(raw, torch.tensor([[0.0, 1.0, 1.5]]))
    ahead = [1.0, math.exp(-1), math.exp(-2)]
    alpha = [1 - math.exp(-1), 1 - math.exp(-1), 1.0]
    expected = torch.tensor([[t * a for t, a in zip(ahead, alpha, strict=True)]])
    assert_close(out["weights"], expected)
    assert_close(float(out["opacity"]), 1.0)


def test_rendering_has_finite_gradients_in_empty_and_in_opaque_space():
    raw = torch.zeros(2, 4, 4)
    raw[1, :, 3] = 1e4
    raw.requires_grad_()
    render(raw, torch.arange(4.0).expand(2, -1))["colour"].sum().backward()
    assert bool(raw.grad.isfinite().all())


def test_stratified_depths_fall_in_their_bins():
    draw = torch.Generator().manual_seed(0)
    depths = stratified_depths(2.0, 6.0, 50, 8, generator=draw)
    assert_close(((depths - 2) / 0.5).floor(), torch.arange(8.0).expand(50, -1))
    middle = stratified_depths(2.0, 6.0, 1, 8)
    assert_close(middle, torch.arange(2.25, 6, 0.5)[None])


def test_importance_depths_invert_the_coarse_distribution():
    depths = torch.arange(6.0).expand(1, -1).contiguous()
    weights = torch.tensor([[9.0, 0.0, 3.0, 1.0, 0.0, 9.0]])  # the ends do not count
    more = importance_depths(depths, weights, 4001)[0].double()
    inner = np.array([0.0, 3.0, 1.0, 0.0]) + 1e-5
    expected = np.interp(
        np.linspace(0, 1, 4001),
        np.concatenate([[0], np.cumsum(inner) / inner.sum()]),
        np.arange(0.5, 5),
    )
    bulk = slice(10, -10)  # the ends are bins of almost no mass
    assert_close(more[bulk], torch.tensor(expected)[bulk], rtol=0, atol=1e-3)


def test_importance_depths_of_an_empty_ray_are_spread_evenly():
    depths = torch.arange(6.0).expand(1, -1).contiguous()
    more = importance_depths(depths, torch.zeros(1, 6), 9)[0]
    assert_close(more, torch.linspace(0.5, 4.5, 9))


def test_rays_find_a_sphere_by_the_fine_samples():
    class Ball(nn.Module):
        """Dense inside the unit ball, red."""

        def forward(self, points, _directions):
            inside = (points.norm(dim=-1, keepdim=True) < 1).float()
            return torch.cat([9 * inside, -9 * inside, -9 * inside, 50 * inside], -1)

    origins = torch.tensor([[0.0, 0.0, -4.0], [0.0, 2.0, -4.0]])
    directions = torch.tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 2.0]])
    coarse, fine = models.render_rays((Ball(), Ball()), origins, directions, 0.5, 3.5)
    depth, half_a_step = 3.0, 0.5 * 2 * 3 / 64  # along the ray, to the ball's front
    assert abs(float(fine["depth"][0]) - depth) < half_a_step
    assert abs(float(coarse["depth"][0]) - depth) < 2 * half_a_step
    assert_close(fine["opacity"], torch.tensor([1.0, 0.0]), rtol=0, atol=1e-3)
    assert float(fine["colour"][0, 0]) > 0.99


def test_a_generator_makes_rendering_repeatable():
    nets = tuple(models.NeRF(depth=2, width=8, skip=1) for _ in range(2))
    rays = (torch.zeros(3, 3), torch.randn(3, 3))

    def once(seed):
        draw = torch.Generator().manual_seed(seed)
        return models.render_rays(
            nets, *rays, 1, 2, num_coarse=8, num_fine=8, noise=1.0, generator=draw
        )[1]["colour"]

    assert_close(once(0), once(0), rtol=0, atol=0)
    assert float((once(0) - once(1)).detach().abs().max()) > 0


def test_with_a_held_guide_the_gradient_is_that_of_the_value():
    torch.manual_seed(0)
    nets = nn.ModuleList([models.NeRF(depth=2, width=8, skip=1) for _ in range(2)])
    nets = nets.double()
    for net in nets:  # kinks are where differences fail for another reason
        net.hidden = nn.ModuleList(nn.Sequential(*layer[:2], nn.Softplus())
                                   for layer in net.hidden)  # fmt: skip
        net.view[2] = nn.Softplus()
        nn.init.constant_(net.density.bias, 2.0)
    guide = copy.deepcopy(nets[0])
    rays = torch.zeros(6, 3, dtype=torch.float64), torch.randn(6, 3).double()
    params = list(nets.parameters())
    direction = torch.randn(sum(p.numel() for p in params), dtype=torch.float64)

    def value(guide):
        found = models.render_rays(tuple(nets), *rays, 1, 2, num_coarse=8, num_fine=8,
                                   guide=guide)  # fmt: skip
        return sum(part["colour"].square().mean() for part in found)

    def slopes(guide):
        found = torch.autograd.grad(value(guide), params)
        by_torch = float(direction @ torch.cat([g.flatten() for g in found]))
        start, ends = parameters_to_vector(params).detach(), []
        for sign in (1, -1):
            vector_to_parameters(start + sign * 1e-6 * direction, params)
            ends.append(float(value(guide).detach()))
        vector_to_parameters(start, params)
        return by_torch, (ends[0] - ends[1]) / 2e-6

    held, moved = slopes(guide), slopes(None)
    assert held[0] == pytest.approx(held[1], rel=1e-6)
    assert abs(moved[0] - moved[1]) > 1e-3 * abs(moved[1])
