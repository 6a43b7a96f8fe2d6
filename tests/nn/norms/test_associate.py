"""Associate normalisation against its paper's equations, tables and published code."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from condlab.nn.norms.associate import AssocNorm, added_share
from studies.models import resnet

pytestmark = pytest.mark.usefixtures("double_precision")

CLOSE = {"rtol": 2**12 * 2.0**-52, "atol": 2**12 * 2.0**-52}


def randomised(layer):
    for p in layer.parameters():
        nn.init.normal_(p)
    return layer


def written_out(x, layer, *, groups, keys, combine, ddof=0, swap=False):
    """Return eqs 1 to 6 of the source in NumPy, channel by channel."""
    relu, sigmoid = (lambda a: np.maximum(a, 0)), (lambda a: 1 / (1 + np.exp(-a)))
    W1, W2, W3 = (
        p.detach().numpy()
        for p in (layer.encoder, layer.scale_decoder, layer.shift_decoder)
    )
    B1, B2 = (
        None if p is None else p.detach().numpy() for p in (layer.weight, layer.bias)
    )
    out = np.empty_like(x)
    channels = x.shape[1]
    for n, example in enumerate(x):
        parts = example.reshape(keys, -1)
        mu, gamma = parts.mean(1), parts.var(1, ddof=ddof)
        if swap:
            mu, gamma = gamma, mu
        first, second = W2 @ relu(W1 @ mu), W3 @ relu(W1 @ gamma)
        pieces = example.reshape(groups, -1)
        mean, var = pieces.mean(1), pieces.var(1, ddof=ddof)
        for c in range(channels):
            k, g = c * keys // channels, c * groups // channels
            if combine == "a(WE+B)":
                omega, beta = sigmoid(first[k] + B1[c]), np.tanh(second[k] + B2[c])
            else:
                omega, beta = sigmoid(first[k]), np.tanh(second[k])
            if combine == "a(WE)*B":
                omega, beta = omega * B1[c], beta * B2[c]
            if combine == "a(WE)+B":
                omega, beta = omega + B1[c], beta + B2[c]
            standard = (example[c] - mean[g]) / np.sqrt(var[g] + 1e-5)
            out[n, c] = omega * standard + beta
    return torch.tensor(out)


@pytest.mark.parametrize("combine", ["a(WE)", "a(WE+B)", "a(WE)*B", "a(WE)+B"])
@pytest.mark.parametrize("keys", ["group", "instance"])
def test_the_layer_is_the_papers_equations(combine, keys):
    x = torch.randn(3, 8, 3, 3) + 1
    layer = randomised(AssocNorm(8, groups=4, keys=keys, combine=combine))
    expected = written_out(
        x.numpy(), layer, groups=4, keys=4 if keys == "group" else 8, combine=combine
    )
    assert_close(layer(x), expected, **CLOSE)


def test_the_published_code_swaps_keys_and_takes_unbiased_variances():
    x = torch.randn(3, 8, 3, 3) + 1
    layer = randomised(AssocNorm(8, groups=4, pairing="ilm", unbiased=True))
    expected = written_out(
        x.numpy(), layer, groups=4, keys=4, combine="a(WE)+B", ddof=1, swap=True
    )
    assert_close(layer(x), expected, **CLOSE)


def test_the_two_pairings_differ():
    x = torch.randn(2, 8, 3, 3) + 1
    paper = randomised(AssocNorm(8, groups=4))
    ilm = AssocNorm(8, groups=4, pairing="ilm")
    ilm.load_state_dict(paper.state_dict())
    assert float((paper(x) - ilm(x)).detach().abs().max()) > 1e-3


def test_an_examples_output_does_not_depend_on_the_batch():
    x = torch.randn(5, 64, 4, 4)
    layer = AssocNorm(64)
    alone = torch.cat([layer(example[None]) for example in x])
    assert_close(layer(x), alone, **CLOSE)


@pytest.mark.parametrize("mode", [True, False])
def test_training_and_evaluation_agree(mode):
    x = torch.randn(2, 32, 4, 4)
    layer = AssocNorm(32)
    assert_close(layer.train(mode)(x), layer.train(not mode)(x), rtol=0, atol=0)


def test_a_memory_format_takes_no_digits():
    # One rounding of each value, of the mean and of the difference, each of at most
    # 2^-24 of a value near 1000, over a deviation of 1, times a scale of at most 2.
    x = 1000 + torch.randn(2, 8, 16, 16).float()
    layer = AssocNorm(8, groups=2)
    exact = layer(x.double())
    layer.float()
    for form in (torch.contiguous_format, torch.channels_last):
        y = layer(x.contiguous(memory_format=form)).double()
        assert_close(y, exact, rtol=0, atol=8 * 1010 * 2.0**-24)


def test_zero_decoders_leave_group_norm_with_a_scale_of_three_halves():
    x = torch.randn(2, 64, 4, 4)
    layer = AssocNorm(64)
    nn.init.zeros_(layer.scale_decoder)
    nn.init.zeros_(layer.shift_decoder)
    assert_close(layer(x), 1.5 * F.group_norm(x, 32), **CLOSE)


def test_scale_and_shift_stay_within_the_activations_ranges():
    scale, shift = AssocNorm(64).predict(100 * torch.randn(4, 64, 3, 3))
    scale, shift = scale.detach(), shift.detach()
    assert 1 <= float(scale.min()) <= float(scale.max()) <= 2
    assert float(shift.abs().max()) <= 1


TABLE_4 = {  # per cent, as printed
    "group": {18: 0.03, 34: 0.03, 50: 0.04, 101: 0.04, 152: 0.05},
    "instance": {18: 2.79, 34: 2.46, 50: 20.70, 101: 20.31, 152: 20.18},
}


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
@pytest.mark.parametrize("keys", ["group", "instance"])
def test_parameter_shares_reproduce_table_4(depth, keys):
    build = getattr(resnet, f"resnet{depth}")
    with torch.device("meta"):
        net = build(1000, stem="imagenet", norm=lambda c: AssocNorm(c, keys=keys))
    share = 100 * added_share(net)
    half_a_digit = 0.0050001
    assert abs(share - TABLE_4[keys][depth]) <= half_a_digit


def test_the_default_embedding_is_a_sixteenth_of_the_keys():
    assert AssocNorm(512).encoder.shape == (2, 32)
    assert AssocNorm(512, keys="instance").encoder.shape == (32, 512)
    assert AssocNorm(6).encoder.shape == (2, 2)  # gcd(32, 6) keys


@pytest.mark.parametrize(
    ("option", "value"), [("keys", "layer"), ("combine", "a+b"), ("pairing", "seed")]
)
def test_unknown_options_are_refused(option, value):
    with pytest.raises(ValueError, match=f"{option} must be one of"):
        AssocNorm(8, **{option: value})


def test_unbiased_variances_of_single_values_are_refused():
    with pytest.raises(ValueError, match="two values a group"):
        AssocNorm(8, keys="instance", unbiased=True)(torch.randn(2, 8, 1, 1))
