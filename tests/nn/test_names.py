"""One spelling of each method's name, the others understood; checkpoints that meet."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from condlab.nn import condition, describe, fold, load_checkpoint, normalise_weights

SPELLINGS = {
    "WN": "weight_norm",
    "weight-norm": "weight_norm",
    "Weight_Norm": "weight_norm",
    "WS": "standardize",
    "weight_standardization": "standardize",
    "row-column": "row_column",
    "ROW": "row",
    "spectral_norm": "spectral",
    "CWN": "centered_weight_norm",
    "OWN": "orthogonal_weight_norm",
    "scaled-ws": "scaled_standardize",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_other_spellings_are_understood_and_one_is_printed(spelling):
    layer = normalise_weights(nn.Linear(4, 4), spelling)
    assert describe(layer).conditioned[0].methods == (SPELLINGS[spelling],)


def test_condition_understands_the_command_lines_spelling():
    layer = condition(nn.Linear(3, 3), "row-column")
    assert layer.parametrizations.weight[0].method == "row_column"


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (parametrizations.weight_norm, "weight_norm"),
        (parametrizations.spectral_norm, "spectral"),
        (parametrizations.orthogonal, "orthogonal"),
    ],
)
def test_torchs_own_are_called_by_the_same_names(make, name):
    assert describe(make(nn.Linear(3, 3))).conditioned[0].methods == (name,)


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.LSTM(4, 2))


@pytest.mark.parametrize("method", ["row", "weight_norm", "spectral"])
def test_conditioned_checkpoint_into_a_plain_module_names_the_cure(method):
    saved = normalise_weights(net(), method).state_dict()
    with pytest.raises(ValueError, match=r"nn\.condition before .*nn\.fold"):
        load_checkpoint(net(), saved)
    load_checkpoint(normalise_weights(net(), method), saved)
    load_checkpoint(net(), fold(normalise_weights(net(), method)).state_dict())


def test_plain_checkpoint_into_a_conditioned_module_names_the_cure():
    with pytest.raises(ValueError, match="load plain weights before"):
        load_checkpoint(condition(net()), net().state_dict())


def test_differently_conditioned_checkpoint_says_what_does_not_match():
    saved = condition(net(), gain=True).state_dict()
    with pytest.raises(ValueError, match=r"in another way .*gain"):
        load_checkpoint(condition(net()), saved)


def test_other_shapes_are_named():
    with pytest.raises(ValueError, match=r"has shape \(2, 4\) there, and \(2, 3"):
        load_checkpoint(nn.Linear(3, 2), nn.Linear(4, 2).state_dict())


def test_checkpoint_of_torchs_weight_norm_loads_with_the_same_names():
    torch.manual_seed(0)
    theirs = parametrizations.weight_norm(nn.Linear(3, 2))
    ours = normalise_weights(nn.Linear(3, 2), "weight_norm")
    load_checkpoint(ours, theirs.state_dict())
    torch.testing.assert_close(ours.weight, theirs.weight)
