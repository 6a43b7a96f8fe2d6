"""A call that fails leaves every weight as it was, and says what to do."""

import copy
import re

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from condlab.nn import condition, describe, normalise_weights
from condlab.nn.maps.parametrization import all_or_nothing
from condlab.nn.selection import sites


def legacy(name: str):
    return getattr(torch.nn.utils, name)


HOOKED = {
    "remove_weight_norm": lambda layer: legacy("weight_norm")(layer),
    "remove_spectral_norm": lambda layer: legacy("spectral_norm")(layer),
    "prune.remove": lambda layer: prune.l1_unstructured(layer, "weight", amount=2),
    "prune.remove(layer, 'weight')": lambda layer: prune.random_unstructured(
        prune.l1_unstructured(layer, "weight", amount=2), "weight", amount=2
    ),
}


def snapshot(net: nn.Module) -> tuple[list, dict, list]:
    return (
        [(name, id(p)) for name, p in net.named_parameters()],
        {name: value.clone() for name, value in net.state_dict().items()},
        [type(layer) for layer in net.modules()],
    )


def unchanged(net: nn.Module, before: tuple[list, dict, list]) -> bool:
    after = snapshot(net)
    same = all(torch.equal(after[1][name], value) for name, value in before[1].items())
    return after[0] == before[0] and after[2] == before[2] and same


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize("make", [lambda: nn.Linear(3, 3), lambda: nn.Conv1d(3, 3, 2)])
@pytest.mark.parametrize("method", ["row", "jacobi", "standardize", "spectral"])
@pytest.mark.parametrize("cure", HOOKED)
def test_weight_that_a_hook_computes_is_refused_with_the_cure(cure, method, make):
    if method == "jacobi" and make()._get_name() == "Conv1d":
        pytest.skip("no square layer")
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), make(), nn.Linear(3, 3))
    HOOKED[cure](net[2])
    before = snapshot(net)
    with pytest.raises(ValueError, match=r"2\.weight .*" + re.escape(cure)):
        normalise_weights(net, method)
    assert unchanged(net, before)
    reasons = {w.name: w.reason for w in describe(net).left_alone}
    assert cure in reasons["2.weight"]
    assert describe(condition(net, layers=["0", "3"])).conditioned


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
def test_recurrent_weight_that_a_hook_computes_is_refused_by_its_name():
    layer = legacy("weight_norm")(nn.LSTM(3, 4), "weight_hh_l0")
    with pytest.raises(
        ValueError, match=r"remove_weight_norm\(layer, 'weight_hh_l0'\)"
    ):
        condition(layer)
    assert type(layer) is nn.LSTM


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
def test_the_cure_that_is_named_helps():
    layer = legacy("weight_norm")(nn.Linear(3, 4))
    condition(legacy("remove_weight_norm")(layer))
    torch.testing.assert_close(layer.weight.norm(dim=1), torch.ones(4))


def test_a_layer_conditioned_before_stops_all_the_others():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    condition(net, layers="1")
    before = snapshot(net)
    with pytest.raises(ValueError, match="uncondition it first"):
        condition(net)
    with pytest.raises(ValueError, match="remove_parametrizations"):
        normalise_weights(net, "weight_norm")
    assert unchanged(net, before)


def test_a_bad_option_of_torchs_leaves_nothing_behind():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    before = snapshot(net)
    with pytest.raises(ValueError, match="n_power_iterations"):
        normalise_weights(net, "spectral", n_power_iterations=0)
    with pytest.raises(TypeError):
        normalise_weights(net, "weight_norm", nonsense=1)
    assert unchanged(net, before)


@pytest.mark.parametrize("method", ["row", "weight_norm", "orthogonal", "spectral"])
def test_failing_half_way_puts_everything_back(method):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 3), nn.GRU(3, 3), nn.Linear(3, 3))
    condition(net, layers="2")
    before, x = snapshot(net), torch.randn(2, 1, 3)
    expected = net[1](net[0](x))[0]
    before_all = all_or_nothing(sites(net))
    before_all.__enter__()
    normalise_weights(net, method, layers=["0", "1"])
    stop = RuntimeError("stop")
    assert not before_all.__exit__(RuntimeError, stop, None)
    assert unchanged(net, before)
    assert torch.equal(net[1](net[0](x))[0], expected)
    copy.deepcopy(net)
