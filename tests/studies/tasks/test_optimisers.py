"""Optimisers of matrices against their formulas, and as one in a training loop."""

import copy
import dataclasses
import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

import studies
from condlab.nn import condition
from studies.engine.configs import Choice, chosen, grid
from studies.engine.store import key_of, read_lines
from studies.nerf import Config as Radiance
from studies.tasks.optimisers import (
    OPTIMISERS,
    adaptive_gradient_clipping,
    clip_gradients_,
    make_optimiser,
)
from studies.vit import ALL, ARMS, Config

RESULTS = Path(studies.__file__).parent / "results"
MATRICES = ("muon", "rmnp")


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2)
    )


def kernels():
    torch.manual_seed(0)
    convolutions = (nn.Conv2d(3, 4, 1), nn.Conv2d(4, 6, 3), nn.Conv2d(6, 2, 1))
    return nn.Sequential(*convolutions)


def descend(net, optimiser, steps=3, shape=(5, 3)):
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        optimiser.zero_grad()
        x = torch.randn(shape, generator=generator)
        net(x).square().mean().backward()
        optimiser.step()


def made(name, net, lr=0.01, decay=0.1):
    return make_optimiser(name, net, lr, 0.0, decay)


def test_rmnp_is_its_formula():
    net = network()
    W, lr, decay, mu = net[2].weight, 0.01, 0.1, 0.95
    optimiser, B, expected = made("rmnp", net), torch.zeros_like(W), W.detach().clone()
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        optimiser.zero_grad()
        net(torch.randn(5, 3, generator=generator)).square().mean().backward()
        B = mu * B + W.grad
        G = W.grad + mu * B
        unit = G / G.norm(dim=1, keepdim=True)
        expected = (1 - lr * decay) * expected - lr * 0.2 * 6**0.5 * unit
        optimiser.step()
        assert_close(W.detach(), expected)


def test_muon_is_torchs():
    """Its momentum is an average, ours a sum: the same direction."""
    net, twin = network(), nn.Parameter(network()[2].weight.detach().clone())
    optimiser = made("muon", net)
    other = torch.optim.Muon(
        [twin], 0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
    )
    for _ in range(3):
        net[2].weight.grad = torch.randn(8, 6)
        twin.grad = net[2].weight.grad.clone()
        optimiser.step()
        other.step()
    moved = (twin - network()[2].weight).abs().max()
    # Newton and Schulz's iteration is in bfloat16, and does not converge.
    assert (net[2].weight - twin).abs().max() <= 0.05 * moved


@pytest.mark.parametrize("name", MATRICES)
def test_all_but_the_matrices_in_the_middle_move_as_adamw_moves_them(name):
    net, twin = network(), network()
    descend(net, made(name, net), steps=1)
    descend(twin, made("adamw", twin), steps=1)
    for (key, a), b in zip(net.named_parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b) == (key != "2.weight"), key


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_kernels_are_matrices_with_a_row_a_filter(name, memory):
    net = kernels().to(memory_format=memory)
    before = net[1].weight.detach().clone()
    net[1].weight.grad = torch.randn(6, 4, 3, 3).to(memory_format=memory)
    made(name, net, decay=0.0).step()
    step = (before - net[1].weight.detach()).flatten(1) / 0.01
    if name == "rmnp":
        assert_close(step.norm(dim=1), torch.full((6,), 0.2 * 36**0.5))
    else:
        values = torch.linalg.svdvals(step) / (0.2 * 36**0.5)
        assert values.max() < 1.3
        assert values.min() > 0.5


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("method", ["row", "polynomial", "weight_norm"])
def test_stored_matrices_of_conditioned_layers_are_updated(name, method):
    from condlab.nn import normalise_weights

    net = normalise_weights(network(), method)
    maps = net[2].parametrizations["weight"]
    stored = maps.original if maps.is_tensor else maps.original1
    optimiser = made(name, net)
    assert [p is stored for p in optimiser.param_groups[0]["params"]] == [True]
    before = stored.detach().clone()
    descend(net, optimiser, steps=1)
    assert not torch.equal(stored, before)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_checkpoint_goes_on_as_if_nothing_had_been(name, tmp_path):
    whole, first, second = network(), network(), network()
    descend(whole, made(name, whole), steps=2)
    optimiser = made(name, first)
    descend(first, optimiser, steps=1)
    torch.save((first.state_dict(), optimiser.state_dict()), tmp_path / "c.pt")
    net, state = torch.load(tmp_path / "c.pt", weights_only=True)
    second.load_state_dict(net)
    again = made(name, second)
    again.load_state_dict(state)
    for group in again.param_groups:
        group["lr"] = group["lr"] * 1.0
    generator = torch.Generator().manual_seed(1)
    torch.randn((5, 3), generator=generator)
    again.zero_grad()
    second(torch.randn((5, 3), generator=generator)).square().mean().backward()
    again.step()
    for a, b in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", MATRICES)
def test_a_step_is_heard_once(name):
    net = condition(network(), layers=["2"], frozen=True, every=2)
    optimiser, heard = made(name, net), []
    optimiser.register_step_post_hook(lambda first, *_: heard.append(first))
    scaling = net[2].parametrizations.weight[0]
    before = scaling.left.clone()
    descend(net, optimiser, steps=1)
    assert torch.equal(scaling.left, before)
    assert heard == [optimiser]
    descend(net, optimiser, steps=1)
    assert not torch.equal(scaling.left, before)


@pytest.mark.parametrize("name", MATRICES)
def test_rates_set_on_the_groups_are_those_of_the_parts(name):
    net = network()
    optimiser = made(name, net)
    optimiser.load_state_dict(optimiser.state_dict())
    for group in optimiser.param_groups:
        group["lr"] = 0.0
    before = copy.deepcopy(net.state_dict())
    descend(net, optimiser)
    for key, value in net.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_rows_without_a_gradient_stay():
    net = network()
    optimiser = made("rmnp", net, decay=0.0)
    net[2].weight.grad = torch.zeros_like(net[2].weight)
    before = net[2].weight.detach().clone()
    optimiser.step()
    assert torch.equal(net[2].weight, before)


def test_unknown_names_and_networks_without_a_middle_are_refused():
    with pytest.raises(ValueError, match="optimiser must be one of"):
        made("lion", network())
    with pytest.raises(ValueError, match="between the first layer and the last"):
        made("muon", nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)))


def test_an_optimiser_is_chosen_for_a_whole_sweep():
    configs = grid(Config(), ("LN", "LN+E"), (1e-3,), range(2))
    swept = chosen(configs, Choice(optimiser="rmnp"))
    assert [c.arm for c in swept] == [c.arm for c in configs]
    assert {c.optimiser for c in swept} == {"rmnp"}
    with pytest.raises(ValueError, match="one optimiser alone"):
        chosen([Radiance()], Choice(optimiser="muon"))


def test_arms_of_this_year_are_none_of_those_whose_runs_are_kept():
    assert set(ARMS) < set(ALL)
    assert len(ALL) == len(set(ALL))


KEPT = sorted(RESULTS.glob("*/*.jsonl"))


@pytest.mark.parametrize(
    "path", KEPT, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_kept_records_are_still_those_of_their_presets(path):
    module = importlib.import_module(f"studies.{path.parent.name}")
    known = {key_of(config) for config in module.PRESETS[path.stem]}
    names = {field.name for field in dataclasses.fields(module.Config)}
    records = [r for r in read_lines(path) if set(r["config"]) == names]
    if not records:
        pytest.skip("all were made before a field was added")
    for record in records:
        assert key_of(module.Config(**record["config"])) == record["key"]
    assert {record["key"] for record in records} & known


def unitwise(W, G, clipping, eps=1e-3):
    """Return clipped gradients as the authors' code does, a unit at a time."""
    rows, grads = (x.reshape(len(x), -1) if x.ndim > 1 else x[None] for x in (W, G))
    clipped = []
    for w, g in zip(rows, grads, strict=True):
        most = clipping * max(np.sqrt(np.sum(w**2)), eps)
        size = np.sqrt(np.sum(g**2))
        clipped.append(g * (most / size) if size > most else g)
    return np.array(clipped).reshape(G.shape)


@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 3, 3), (5,), ()])
@pytest.mark.parametrize("clipping", [1e-3, 0.5, 1e3])
def test_adaptive_clipping_is_the_authors_unit_by_unit(shape, clipping):
    rng = np.random.default_rng(0)
    W, G = rng.standard_normal(shape), rng.standard_normal(shape)
    parameter = nn.Parameter(torch.tensor(W))
    parameter.grad = torch.tensor(G)
    clip_gradients_([parameter], clipping)
    expected = unitwise(np.atleast_1d(W), np.atleast_1d(G), clipping)
    assert parameter.grad.numpy() == pytest.approx(expected.reshape(shape), rel=1e-14)


@pytest.mark.parametrize("clipping", [0.0, -1.0, float("nan")])
def test_adaptive_clipping_to_nothing_is_refused(clipping):
    with pytest.raises(ValueError, match="clipping must be above zero"):
        clip_gradients_([], clipping)


def test_adaptive_clipping_lets_zero_weights_move_and_zero_gradients_be():
    W = nn.Parameter(torch.zeros(2, 3))
    W.grad = torch.tensor([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0]])
    clip_gradients_([W, nn.Parameter(torch.ones(2))], 0.5)
    assert torch.allclose(W.grad[0], torch.tensor([3e-4, 0.0, 4e-4]))
    assert not W.grad[1].any()


def test_adaptive_clipping_leaves_the_last_layer_alone_and_can_be_ended():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.0)
    handle = adaptive_gradient_clipping(optimiser, net, 1e-3)
    for wanted in ([True, True, False, False], [False] * 4):
        for p in net.parameters():
            p.grad = torch.ones_like(p)
        optimiser.step()
        clipped = [bool((p.grad < 1).all()) for p in net.parameters()]
        assert clipped == wanted
        handle.remove()
