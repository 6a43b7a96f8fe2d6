"""Which layers are conditioned, what is reported, and what is refused."""

import pytest
import torch
from torch import nn

from condlab.nn import condition, describe
from tests.nn.conditioning.layers import images, network


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("all", ["0", "3", "5"]),
        ("first-conv-last-linear", ["0", "5"]),
        ("convolutions", ["0", "3"]),
        ("[35]", ["3", "5"]),
        (["0", "5*"], ["0", "5"]),
        (lambda name, layer: isinstance(layer, nn.Linear), ["5"]),
    ],
)
def test_layers_are_chosen_by_preset_pattern_or_predicate(layers, expected):
    net = condition(network(), layers=layers)
    names = [w.name.split(".")[0] for w in describe(net).conditioned]
    assert names == expected


def test_mlp_and_attention_leaves_embeddings_and_heads():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Conv2d(3, 8, 4)
            self.blocks = nn.TransformerEncoder(
                nn.TransformerEncoderLayer(8, 2, 16), 2, enable_nested_tensor=False
            )
            self.head = nn.Linear(8, 10)

    names = {
        w.name
        for w in describe(condition(Net(), layers="mlp-and-attention")).conditioned
    }
    kinds = ("self_attn.in_proj", "self_attn.out_proj.", "linear1.", "linear2.")
    assert names == {
        f"blocks.layers.{i}.{kind.rstrip('.')}{'.' if kind[-1] == '.' else '_'}weight"
        for i in range(2)
        for kind in kinds
    }


def test_report_says_which_scaling_a_batch_norm_undoes():
    found = describe(condition(network()))
    assert found.traced
    assert {w.name: w.absorbed_by for w in found.absorbed} == {"0.weight": "1"}
    assert not describe(condition(network(), "column")).absorbed


def test_a_scaling_that_the_report_calls_undone_changes_nothing():
    net = network()
    with torch.no_grad():
        net[0].weight.mul_(7)  # the eps of the batch norm loses its say
    before = net(images(8))
    condition(net, layers="0")
    assert describe(net).absorbed
    torch.testing.assert_close(net(images(8)), before, rtol=1e-3, atol=1e-3)


def test_report_falls_back_on_the_order_of_registration():
    class Untraceable(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.bn = nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2)

        def forward(self, x):
            return self.bn(self.conv(x)) if x.mean() > 0 else x

    found = describe(condition(Untraceable()))
    assert not found.traced
    assert found.absorbed[0].absorbed_by == "bn"


def test_report_gives_the_reason_for_each_weight_left_alone():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.randn(2, 3))
            self.sparse = nn.Embedding(4, 3, sparse=True)
            self.renormed = nn.Embedding(4, 3, max_norm=1.0)
            self.constant = nn.Linear(3, 3).requires_grad_(requires_grad=False)
            self.wide = nn.Linear(4, 3)
            self.square = nn.Linear(3, 3)
            self.complex = nn.Linear(3, 3, dtype=torch.complex64)
            self.lazy = nn.LazyLinear(3)

    net = condition(Odd(), "jacobi")
    reasons = {w.name: w.reason for w in describe(net).left_alone}
    assert reasons["table"] == "is no weight of a known layer"
    assert reasons["sparse.weight"] == "its gradient is sparse"
    assert reasons["renormed.weight"] == "max_norm rescales it in place"
    assert reasons["constant.weight"] == "does not train: requires_grad is False"
    assert reasons["wide.weight"] == "is not square"
    assert reasons["complex.weight"] == "is complex"
    assert reasons["lazy.weight"] == "has no shape before the first forward pass"
    assert reasons["square.bias"] == "is not a matrix"
    assert [w.name for w in describe(net).conditioned] == ["square.weight"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "rows"}, "method must be one of"),
        ({"every": 2}, "needs frozen=True"),
        ({"frozen": True, "every": 0}, "at least 1"),
        ({"gain": "column"}, "gain must be"),
        ({"sweeps": 0}, "sweeps must be at least 1"),
        ({"layers": "nowhere.*"}, "chooses no layer"),
        ({"method": "jacobi"}, "square"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        condition(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), **options)


def test_conditioning_twice_is_refused():
    with pytest.raises(ValueError, match="already; uncondition it first"):
        condition(condition(nn.Linear(3, 2)))
