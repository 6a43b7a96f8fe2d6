"""How far layers move under each other, against closed forms."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from studies.models.stack import Stack
from studies.tasks.shift import Surface, roughness, shift


def net_of(*weights):
    """Return linear units in a row, each with an activation that changes nothing."""
    net = nn.Sequential()
    for w in weights:
        layer = nn.Linear(1, 1, bias=False).double()
        nn.init.constant_(layer.weight, w)
        net.append(layer)
        net.append(nn.ReLU())
    return net


def squared(net, batch):
    return (net(batch[0]) - batch[1]).square().mean() / 2


X = torch.tensor([[1.0], [2.0], [4.0]], dtype=torch.float64)
BATCH = (X, 5 * X)


def test_a_gradients_shift_is_that_of_definition_2_1():
    """L = m (w2 w1 - 5)² / 2 with m the mean square of x."""
    w1, w2, lr, m = 1.5, 0.5, 0.01, float(X.square().mean())
    moved = w1 - lr * m * (w2 * w1 - 5) * w2
    before, after = (m * (w2 * w - 5) * w for w in (w1, moved))
    found = shift(net_of(w1, w2), squared, BATCH, lr)
    assert found["gradient_shift"] == pytest.approx(abs(after - before), rel=1e-12)
    assert found["gradient_cosine"] == pytest.approx(1, rel=1e-12)


def test_moments_shift_by_the_factor_of_each_layer():
    """Inputs of activations are multiples of x: means and deviations move as they."""
    w1, w2, lr, m = 1.5, 0.5, 0.01, float(X.square().mean())
    error = m * (w2 * w1 - 5)
    new1, new2 = w1 - lr * error * w2, w2 - lr * error * w1
    mean, deviation = float(X.mean()), float(X.std(correction=0))
    expected = np.mean([
        abs(new / old - 1) * math.hypot(mean, deviation) / deviation
        for old, new in ((w1, new1), (w1 * w2, new1 * new2))
    ])  # fmt: skip
    found = shift(net_of(w1, w2), squared, BATCH, lr)
    assert found["moment_shift"] == pytest.approx(expected, rel=1e-12)
    inputs = w1 * w2 * X.flatten().numpy()
    for q in (15, 50, 85):
        assert found[f"unit_{q}"] == pytest.approx(np.quantile(inputs, q / 100))


def test_nothing_shifts_at_a_rate_of_zero():
    torch.manual_seed(0)
    net = Stack(width=4, depth=3, in_channels=1, norm="batch").double()
    batch = torch.randn(8, 1, 6, 6, dtype=torch.float64), torch.arange(8)
    found = shift(net, lambda n, b: cross_entropy(n(b[0]), b[1]), batch, 0.0)
    assert found["moment_shift"] == found["gradient_shift"] == 0
    assert found["gradient_cosine"] == pytest.approx(1, rel=1e-12)


def test_the_roughness_of_a_quadratic_is_its_curvature():
    """L = m (w - 5)² / 2: along the gradient g = m (w - 5) by t: w - t g."""
    w, lr, m = 1.0, 0.02, float(X.square().mean())
    slope = m * (w - 5)
    losses = [m * (w - t * lr * slope - 5) ** 2 / 2 for t in (0, 0.5, 1, 2, 4)]
    found = roughness(net_of(w)[:1], squared, BATCH, lr)
    assert found["smoothness"] == pytest.approx(m, rel=1e-9)
    assert found["loss_range"] == pytest.approx(max(losses) - min(losses), rel=1e-12)
    assert found["gradient_change"] == pytest.approx(4 * lr * m * abs(slope), rel=1e-12)


def test_a_surface_is_of_training_and_leaves_network_and_draws_alone():
    torch.manual_seed(0)
    net = Stack(width=4, depth=3, in_channels=1, norm="batch", noisy=True).double()
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    batch = torch.randn(8, 1, 6, 6, dtype=torch.float64), torch.arange(8)
    surface = Surface(net.eval(), lambda n, b: cross_entropy(n(b[0]), b[1]), batch)
    state = torch.get_rng_state()
    first, again, other = (surface.at(surface.params, seed).loss for seed in (0, 0, 1))
    assert first == again != other
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(net.state_dict()[name], kept[name]) for name in kept)


def test_dead_units_count_for_nothing():
    net = net_of(1.5, 0.0)
    found = shift(net, squared, BATCH, 0.01)
    assert math.isfinite(found["moment_shift"])
    dead = shift(net_of(0.0, 0.0), squared, BATCH, 0.01)
    assert dead["moment_shift"] == 0
