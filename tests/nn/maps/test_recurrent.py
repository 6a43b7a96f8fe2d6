"""Conditioned recurrent layers copy, move and fold, whatever passed through them."""

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.rnn import pack_padded_sequence
from torch.optim.swa_utils import AveragedModel

from condlab.nn import fold, normalise_weights, uncondition

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")

LAYERS = {
    "lstm": lambda: nn.LSTM(4, 5, 2, bidirectional=True, batch_first=True, proj_size=3),
    "gru": lambda: nn.GRU(4, 5, 2, bidirectional=True, batch_first=True),
    "tanh": lambda: nn.RNN(4, 5, batch_first=True),
    "relu": lambda: nn.RNN(4, 5, batch_first=True, nonlinearity="relu", bias=False),
}
METHODS = ("row", "column", "standardize", "weight_norm")


def after_a_step(name: str, method: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    layer = normalise_weights(LAYERS[name](), method)
    x = torch.randn(3, 6, 4)
    layer(x)[0].sum().backward()
    return layer, x


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LAYERS)
def test_layer_that_has_been_differentiated_can_be_copied_and_averaged(name, method):
    layer, x = after_a_step(name, method)
    averaged = AveragedModel(layer)
    averaged.update_parameters(layer)
    for twin in (copy.deepcopy(layer), averaged):
        assert torch.equal(twin(x)[0], layer(x)[0])
        twin(x)[0].sum().backward()
    assert torch.equal(copy.deepcopy(copy.deepcopy(layer))(x)[0], layer(x)[0])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LAYERS)
def test_layer_equals_the_plain_one_with_its_weights_also_on_packed_input(name, method):
    layer, x = after_a_step(name, method)
    plain = LAYERS[name]()
    with torch.no_grad():
        for tensor, value in plain.named_parameters():
            value.copy_(getattr(layer, tensor))
    torch.testing.assert_close(layer(x)[0], plain(x)[0])
    packed = pack_padded_sequence(x, [6, 4, 2], batch_first=True)
    torch.testing.assert_close(layer(packed)[0].data, plain(packed)[0].data)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_moves_to_another_type_and_its_state_is_saved(name):
    layer, x = after_a_step(name, "row")
    layer.double()
    layer(x.double())[0].sum().backward()
    assert copy.deepcopy(layer).float()(x)[0].dtype == torch.float32
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    twin = normalise_weights(LAYERS[name]().double(), "row")
    twin.load_state_dict(torch.load(file))
    assert torch.equal(twin(x.double())[0], layer(x.double())[0])


@pytest.mark.parametrize("undo", [fold, uncondition, "torch"])
def test_torchs_list_of_weights_is_its_own_again_when_all_are_plain(undo):
    layer, x = after_a_step("gru", "row")
    if undo == "torch":
        for tensor in list(layer.parametrizations):
            parametrize.remove_parametrizations(layer, tensor)
    else:
        undo(layer)
    assert type(layer) is nn.GRU
    layer(x)[0].sum().backward()
    pairs = zip(layer._flat_weights, layer._flat_weights_names, strict=True)
    assert all(weight is getattr(layer, name) for weight, name in pairs)
    copy.deepcopy(layer)


def test_each_weight_is_computed_at_most_twice_in_a_pass():
    """Once for torch's look at the type; torch's own bookkeeping takes four."""
    layer, x = after_a_step("tanh", "row")
    calls = []
    map_ = layer.parametrizations.weight_ih_l0[0]
    map_.register_forward_hook(lambda *_: calls.append(1))
    layer(x)
    assert len(calls) <= 2


def test_replica_for_another_device_is_made():
    layer, _ = after_a_step("lstm", "row")
    replica = layer._replicate_for_data_parallel()
    assert type(replica) is type(layer)


@pytest.mark.parametrize("make", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_cell_that_has_been_differentiated_can_be_copied(make):
    cell = normalise_weights(make(4, 5), "row")
    out = cell(torch.randn(2, 4))
    (out[0] if isinstance(out, tuple) else out).sum().backward()
    copy.deepcopy(cell)
