"""Arms share the seed's weights; the identities behind the controls hold."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from condlab.nn import effective_weights
from studies.models import MLP, resnet20
from studies.tasks.arms import (
    ARMS,
    batch_statistics,
    build,
    check_identities,
    raw_weights,
)


def drawn():
    torch.manual_seed(0)
    return resnet20(width=8)


CHOSEN = ("stem.0", "head")
IMAGES = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
REDRAWN = {"init_E": CHOSEN, "glorot": None}  # None: every layer


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_stores_the_weights_that_the_seed_drew(arm):
    plain, raw = raw_weights(drawn()), raw_weights(build(arm, drawn(), CHOSEN))
    assert plain.keys() == raw.keys()
    for name in plain:
        if arm not in REDRAWN or name not in (REDRAWN[arm] or plain):
            assert_close(raw[name], plain[name])


def test_glorots_weights_fill_his_bounds_and_leave_all_else():
    """Glorot and Bengio (2010), equation 16: sqrt(6 / (inputs + outputs))."""
    torch.manual_seed(0)
    net = MLP(300, 10, width=200)
    biases = [layer.bias.clone() for layer in net.modules() if hasattr(layer, "bias")]
    build("glorot", net)
    for layer in (m for m in net.modules() if isinstance(m, nn.Linear)):
        bound = (6 / sum(layer.weight.shape)) ** 0.5
        largest = float(layer.weight.detach().abs().max())
        assert 0.99 * bound < largest <= bound  # of 2,000 uniform entries or more
    kept = [layer.bias for layer in net.modules() if hasattr(layer, "bias")]
    assert_close(kept, biases)


def test_init_e_is_plain_but_starts_where_e_does():
    start, equilibrated = (build(arm, drawn(), CHOSEN) for arm in ("init_E", "E"))
    assert not any(hasattr(m, "parametrizations") for m in start.modules())
    assert_close(start(IMAGES), equilibrated(IMAGES))


def test_e_gain_and_weight_norm_start_at_the_functions_of_e_and_plain():
    outputs = {a: build(a, drawn(), CHOSEN)(IMAGES) for a in ("E", "E_gain", "WN")}
    assert_close(outputs["E_gain"], outputs["E"])
    assert_close(outputs["WN"], drawn()(IMAGES), rtol=1e-4, atol=1e-4)


def test_e_places_scale_what_they_say():
    def scaled(arm):
        plain = effective_weights(drawn())
        made = effective_weights(build(arm, drawn(), CHOSEN))
        return {name for name in plain if not torch.allclose(made[name], plain[name])}

    everything = set(effective_weights(drawn()))
    assert scaled("E") == set(CHOSEN)
    assert scaled("E_last") == {"head"}
    assert scaled("E_hidden") == everything - set(CHOSEN)
    assert scaled("E_all") == everything
    assert scaled("WS") == everything - {"head"}


def test_a_head_of_zeros_is_drawn_anew_in_every_arm_alike():
    heads = []
    for arm in ("plain", "E_all"):
        torch.manual_seed(0)
        net = MLP(4, 3, width=5)
        nn.init.zeros_(net.layers[-1].weight)
        heads.append(raw_weights(build(arm, net))["layers.6"])
    assert heads[0].abs().min() > 0
    assert_close(heads[0], heads[1])


def test_the_identities_hold_to_rounding():
    found = check_identities(drawn(), IMAGES)
    assert 0 < found["equilibrated"] < 1e-10


def test_a_norm_that_sees_the_scale_breaks_the_identity(monkeypatch):
    # With a large eps batch norm no longer undoes a row's scaling.
    monkeypatch.setattr("studies.tasks.arms.NO_EPS", 0.1)
    with pytest.raises(AssertionError, match="equilibrated"):
        check_identities(drawn(), IMAGES)


def test_batch_statistics_are_those_of_training_and_nothing_is_written():
    net = drawn()
    before = {name: b.clone() for name, b in net.named_buffers()}
    with batch_statistics(net):
        outputs = net(IMAGES)
    assert before.keys() == dict(net.named_buffers()).keys()
    assert all(torch.equal(before[name], b) for name, b in net.named_buffers())
    assert net.training
    assert_close(outputs, net.train()(IMAGES))


def test_an_unknown_arm_is_refused_with_the_list():
    with pytest.raises(ValueError, match="the arms are plain, glorot, WS"):
        build("F", drawn())
