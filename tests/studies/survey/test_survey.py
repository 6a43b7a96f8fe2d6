"""The survey's networks, arms and linear models, against closed forms."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from studies.engine.loop import train
from studies.engine.options import Options
from studies.models.norm_free import PreActivationResNet
from studies.models.recurrent import GRU
from studies.models.stack import Noise, Stack
from studies.survey import EXPERIMENTS, Config, task
from studies.survey.linear import features, linear_task
from studies.tasks.arms import batch_statistics

U = 2.0**-52
CLOSE = {"rtol": 2**14 * U, "atol": 2**14 * U}  # sums of some hundred products, layered
OPTIONS = Options("smoke", place="cpu")


@pytest.fixture(autouse=True)
def _double_precision():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def stack(seed=0, **options):
    torch.manual_seed(seed)
    return Stack(width=4, depth=3, in_channels=1, **options)


def test_one_seed_gives_every_norm_and_order_the_same_weights():
    plain = dict(stack().named_parameters())
    for options in ({"norm": "batch"}, {"norm": "batch", "order": "after"}):
        other = dict(stack(**options).named_parameters())
        shared = [n for n in other if n.endswith("weight") and other[n].ndim > 1]
        assert len(shared) == 4
        for name in shared:
            assert_close(other[name], plain[name], rtol=0, atol=0)


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_norm_stands_where_its_order_says(order):
    kinds = [type(m).__name__ for m in stack(norm="batch", order=order).blocks[0]]
    behind = ["BatchNorm2d", "ReLU"] if order == "before" else ["ReLU", "BatchNorm2d"]
    assert kinds == ["Conv2d", *behind]


def test_a_bias_in_front_of_batch_norm_does_nothing():
    net, biased = stack(norm="batch"), stack(norm="batch", bias=True)
    for conv in (block[0] for block in biased.blocks):
        nn.init.normal_(conv.bias)
    x = torch.randn(8, 1, 6, 6)
    with batch_statistics(net), batch_statistics(biased):
        y, z = net(x), biased(x)
    assert_close(y, z, **CLOSE)
    z.square().sum().backward()
    kernels = max(float(b[0].weight.grad.abs().max()) for b in biased.blocks)
    for block in biased.blocks:
        assert float(block[0].bias.grad.abs().max()) < 2**14 * U * kernels


def test_noise_moves_means_and_deviations_in_training_alone():
    noise, x = Noise(), torch.randn(4096, 3, 1, 1)
    y = noise(x)
    assert float((y.mean(dim=0) - x.mean(dim=0)).abs().max()) > 0.05
    assert float(y.mean(dim=0).abs().max()) < 0.5 + 6 / 64  # six errors of the mean
    assert torch.equal(noise.eval()(x), x)
    assert not torch.equal(y, noise.train()(x))


def test_a_stack_of_too_few_layers_or_another_order_is_refused():
    with pytest.raises(ValueError, match="depth must be 3 or more, got 2"):
        Stack(depth=2)
    with pytest.raises(ValueError, match="order must be 'before' or 'after'"):
        Stack(norm="batch", order="behind")


def test_the_plain_gated_unit_is_torchs_with_its_update_gate_negated():
    net = GRU(3, 5, 2, steps=4)
    theirs = nn.GRU(3, 5, batch_first=True)
    flip = torch.ones(15).index_fill(0, torch.arange(5), -1.0)
    reorder = torch.cat([torch.arange(5, 10), torch.arange(5), torch.arange(10, 15)])
    with torch.no_grad():
        nn.init.normal_(net.of_input.bias)
        for layer, matrix in (
            (net.of_input, theirs.weight_ih_l0),
            (net.of_state, theirs.weight_hh_l0),
        ):
            matrix.copy_((flip[:, None] * layer.weight)[reorder])
        theirs.bias_ih_l0.copy_((flip * net.of_input.bias)[reorder])
        theirs.bias_hh_l0.zero_()
    x = torch.randn(6, 1, 4, 3)
    assert_close(net(x), net.head(theirs(x[:, 0])[1][0]), **CLOSE)


def test_layer_norm_in_a_recurrence_treats_each_sample_by_itself():
    x = torch.randn(6, 1, 4, 3)
    layer, batch = (GRU(3, 5, 2, steps=4, norm=norm) for norm in ("layer", "batch"))
    assert_close(torch.cat([layer(row) for row in x.split(1)]), layer(x), **CLOSE)
    assert not torch.allclose(torch.cat([batch(r) for r in x.split(2)]), batch(x))


def test_batch_norm_of_each_step_keeps_statistics_of_each_step():
    net = GRU(3, 5, 2, steps=4, norm="batch")
    net(torch.randn(6, 1, 4, 3) * torch.tensor([1.0, 2, 3, 4])[:, None])
    kept = [norm.running_var.mean() for norm in net.input_norms[0].each]
    assert sorted(kept) == kept
    assert net.eval()(torch.randn(2, 1, 7, 3)).shape == (2, 2)  # longer than it saw


def test_an_unknown_norm_of_the_recurrence_is_refused():
    with pytest.raises(ValueError, match="norm must be one of"):
        GRU(3, 5, 2, steps=4, norm="group")


def residual(**options):
    torch.manual_seed(0)
    return PreActivationResNet((2, 2), width=8, **options)


def test_without_norms_kernels_are_standardized_and_scaled_by_the_relus_gain():
    """Section 4 of the source: rows of mean 0 and variance gamma² / n."""
    net = residual(norm_free=True)
    gains = [1.0] + [2 / (1 - 1 / math.pi)] * 100  # squared; the stem's input is as is
    kernels = [m.weight.detach() for m in net.modules() if isinstance(m, nn.Conv2d)]
    for kernel, gain in zip(kernels, gains, strict=False):
        rows = kernel.flatten(1)
        assert float(rows.mean(dim=1).abs().max()) < 1e-12
        # eps of 1e-4 is beside a deviation of 0.1 or more.
        variance = rows.var(dim=1, correction=0) * rows.shape[1]
        assert_close(variance, torch.full_like(variance, gain), rtol=4e-3, atol=0)


def test_blocks_without_norms_start_as_the_identity_and_know_their_deviation():
    net = residual(norm_free=True, alpha=0.5)
    first, second, third, _ = (block for stage in net.stages for block in stage)
    x = torch.randn(2, 8, 6, 6)
    assert torch.equal(first(x), x)
    assert [b.beta**2 for b in (first, second, third)] == pytest.approx([1, 1.25, 1.5])
    assert net.stages[1][1].beta ** 2 == pytest.approx(1.25)  # begins anew at one


def test_signals_keep_their_variance_through_branches_without_norms():
    net = PreActivationResNet((4,), width=64, norm_free=True, alpha=1.0)
    h = torch.randn(8, 64, 24, 24)
    for block in net.stages[0]:
        with torch.no_grad():
            block.gain.fill_(1.0)
            branch = block.residual(nn.functional.relu(h / block.beta))
            h = block(h)
        # Zeros around the image take a tenth; the rest is of 64 channels' scatter.
        assert 0.6 < float(branch.var()) < 1.4


def test_batch_norms_twin_has_the_same_kernels_before_they_are_standardized():
    free, normed = residual(norm_free=True), residual()
    for conv in (m for m in free.modules() if isinstance(m, nn.Conv2d)):
        if conv is free.stem[0]:
            continue
        stored = conv.parametrizations.weight.original
        twin = next(m for m in normed.modules() if isinstance(m, nn.Conv2d)
                    and m.weight.shape == stored.shape
                    and torch.equal(m.weight, stored))  # fmt: skip
        assert twin.bias is None
        assert conv.bias is not None


@pytest.mark.parametrize("arm", ["plain", "min-max", "z-score", "robust"])
@pytest.mark.parametrize("data", ["wine", "diabetes"])
def test_descent_on_a_linear_model_is_the_closed_form_of_its_spectrum(data, arm):
    config = Config("units", arm, 1.0, 0, data, network="linear", steps=30)
    made = linear_task(config)
    found = train(made, seed=0, steps=30)
    net = made.network()
    Z = torch.cat([net.X, torch.ones(len(net.X), 1)], dim=1)
    values, vectors = torch.linalg.eigh(Z.T @ Z / len(Z))
    kappa = found.series["kappa_gram"][0][1]
    # The least eigenvalue of a Gram matrix is known to the rounding of the largest.
    assert float(values[-1] / values[0]) == pytest.approx(
        kappa, rel=1e-5 + 100 * U * kappa
    )
    target = vectors.T @ (Z.T @ net.Y / len(Z))  # the gradient at zero, negated
    step = 2 / (values[0] + values[-1])
    left = (1 - step * values) ** 30
    excess = (target.square().sum(dim=1) * left**2 / values).sum()
    first = (target.square().sum(dim=1) / values).sum()
    share = float(excess / (net.Y.square().sum(dim=1).mean()
                            - 2 * made_least(Z, net.Y)))  # fmt: skip
    assert found.series["probe_loss"][-1][1] == pytest.approx(share, rel=1e-4)
    assert float(first) > 0


def made_least(Z, Y):
    solution = np.linalg.lstsq(Z.numpy(), Y.numpy(), rcond=None)[0]
    return float(np.square(Z.numpy() @ solution - Y.numpy()).sum(axis=1).mean() / 2)


def test_features_of_other_names_are_refused():
    with pytest.raises(ValueError, match="the features are wine"):
        features("iris")


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_arms_of_a_seed_start_from_the_same_matrices(experiment):
    torch.set_default_dtype(torch.float32)
    _, _, _, (config, *_), _ = EXPERIMENTS[experiment]
    if config.network == "linear":
        return
    nets = {}
    for arm in EXPERIMENTS[experiment].arms:
        torch.manual_seed(3)
        nets[arm] = task(replace(config, arm=arm), OPTIONS).network()
    shapes = {
        arm: [p for p in net.parameters() if p.ndim > 1 and len(p) < p.numel()]
        for arm, net in nets.items()
    }
    first = shapes["plain"]
    for own in shapes.values():
        assert len(own) == len(first)
        for p, q in zip(own, first, strict=True):
            assert torch.equal(p, q)


def test_only_the_arm_of_decay_decays_scales_and_shifts():
    _, _, _, (config,), _ = EXPERIMENTS["improvements"]
    decays = {}
    for arm in ("plain", "decay"):
        made = task(replace(config, arm=arm), OPTIONS)
        groups = made.optimiser(made.network()).param_groups
        decays[arm] = [group["weight_decay"] for group in groups]
    assert decays == {"plain": [1e-3, 0.0], "decay": [1e-3, 1e-3]}


def test_warm_up_is_of_the_arms_that_say_so():
    _, _, _, (config,), _ = EXPERIMENTS["warm_up"]
    rates = {
        arm: task(replace(config, arm=arm), OPTIONS).schedule(0.0)
        for arm in ("post", "post+warm_up")
    }
    assert rates == {"post": 1.0, "post+warm_up": pytest.approx(0.01)}


def test_unknown_networks_are_refused():
    with pytest.raises(ValueError, match="networks are stack"):
        task(Config("placement", network="resnet"), OPTIONS).network()
