"""What every normalisation of activations must do, whatever it computes."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from condlab.nn.norms import (
    NORMS,
    BatchGroupNorm,
    BatchRenorm,
    decay_groups,
    make_norm,
)

pytestmark = pytest.mark.usefixtures("double_precision")

# Sums of up to 2^10 products in float64, divided by deviations near one.
CLOSE = {"rtol": 2**12 * 2.0**-52, "atol": 2**12 * 2.0**-52}
SHAPES = {
    "images": (4, 8, 4, 4),
    "signals": (4, 8, 6),
    "volumes": (4, 8, 3, 2, 4),
    "tokens": (4, 5, 8),
    "vectors": (8, 8),
}
CASES = [(name, layout) for layout in NORMS for name in NORMS[layout]]


@pytest.mark.parametrize(("name", "layout"), CASES)
def test_every_layer_keeps_shape_and_survives_constant_input(name, layout):
    x = torch.full(SHAPES[layout], 3.0, requires_grad=True)
    layer = make_norm(name, 8, layout=layout)
    y = layer(x)
    y.square().sum().backward()
    assert y.shape == x.shape
    gradients = [x.grad, *(p.grad for p in layer.parameters() if p.requires_grad)]
    assert all(bool(g.isfinite().all()) for g in [y, *gradients] if g is not None)


@pytest.mark.parametrize(("name", "layout"), CASES)
def test_every_layer_survives_zeros(name, layout):
    x = torch.zeros(SHAPES[layout], requires_grad=True)
    layer = make_norm(name, 8, layout=layout)
    layer(x).sum().backward()
    assert bool(x.grad.isfinite().all())


@pytest.mark.parametrize(("name", "layout"), CASES)
def test_every_layer_takes_one_example_in_evaluation_and_changes_nothing(name, layout):
    layer = make_norm(name, 8, layout=layout).eval()
    before = deepcopy(layer.state_dict())
    x = torch.randn(1, *SHAPES[layout][1:])
    assert layer(x).shape == x.shape
    assert_close(layer.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("name", sorted(NORMS["images"]))
@pytest.mark.parametrize("channels", [1, 6, 37])
def test_every_layer_takes_any_number_of_channels(name, channels):
    x = torch.randn(3, channels, 4, 4)
    assert make_norm(name, channels)(x).isfinite().all()


@pytest.mark.parametrize(("name", "layout"), CASES)
def test_functional_training_leaves_the_layers_buffers_alone(name, layout):
    layer = make_norm(name, 8, layout=layout)
    before = deepcopy(layer.state_dict())
    buffers = {key: value.clone() for key, value in layer.named_buffers()}
    x = torch.randn(SHAPES[layout])
    y = torch.func.functional_call(layer, buffers, (x,))
    assert_close(layer.state_dict(), before, rtol=0, atol=0)
    assert_close(layer(x), y, **CLOSE)


@pytest.mark.parametrize(("name", "layout"), CASES)
def test_saving_and_loading_changes_nothing(name, layout):
    x = torch.randn(SHAPES[layout])
    layer = make_norm(name, 8, layout=layout)
    layer(x)
    other = make_norm(name, 8, layout=layout)
    other.load_state_dict(layer.state_dict())
    assert_close(other.eval()(x), layer.eval()(x), rtol=0, atol=0)


@pytest.mark.parametrize("layer", [BatchGroupNorm, BatchRenorm])
def test_training_on_single_values_is_refused(layer):
    with pytest.raises(ValueError, match="more than one value"):
        layer(4)(torch.randn(1, 4))


def test_unknown_names_are_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"no normalisation 'bach' for images.*batch"):
        make_norm("bach", 4)
    with pytest.raises(ValueError, match=r"layout must be one of .*'tokens'"):
        make_norm("batch", 4, layout="nhwc")


def test_decay_can_leave_out_scales_and_shifts():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    with_, without = (decay_groups(net, 0.1, decay_affine=flag) for flag in (1, 0))
    assert [group["weight_decay"] for group in with_] == [0.1, 0.1]
    assert [group["weight_decay"] for group in without] == [0.1, 0.0]
    assert [len(group["params"]) for group in without] == [1, 3]
