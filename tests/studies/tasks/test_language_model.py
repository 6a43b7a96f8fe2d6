"""The language model: sizes, causality, and its loss at the start."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.testing import assert_close

from studies import updates
from studies.models import LanguageModel
from studies.tasks.arms import build, matrix_layers
from studies.tasks.curvature import hessian_probes
from studies.tasks.language import plain_loss

SYMBOLS = 70


def model(**options):
    torch.manual_seed(0)
    return LanguageModel(SYMBOLS, **options)


def small(arm="plain"):
    net = model(context=12, dim=16, depth=2, heads=2)
    return build(arm, net, [name for name, _ in matrix_layers(net)[1:-1]])


def tokens(n=3, length=12):
    generator = torch.Generator().manual_seed(1)
    return torch.randint(SYMBOLS, (n, length), generator=generator)


def test_it_has_a_million_parameters():
    dim, depth, context = 128, 5, 64
    block = (3 * dim + 3 * dim * dim) + (dim + dim * dim) + 2 * 2 * dim
    block += 2 * 4 * dim * dim + 4 * dim + dim
    expected = 2 * SYMBOLS * dim + context * dim + depth * block + 2 * dim
    assert sum(p.numel() for p in model().parameters()) == expected == 1_017_728


def test_gpt_2_small_but_for_its_symbols_and_its_head():
    made = updates.PAPER_TEXT
    with torch.device("meta"):
        net = LanguageModel(
            50257, context=made.context, dim=made.width, depth=made.depth,
            heads=made.heads,
        )  # fmt: skip
    head = 50257 * 768  # which GPT-2 shares with its embedding
    assert sum(p.numel() for p in net.parameters()) - head == 124_439_808


@pytest.mark.parametrize("arm", ["plain", "E", "PC_gain"])
def test_what_comes_later_changes_nothing(arm):
    net, x = small(arm).double(), tokens()
    before = net(x)
    for t in range(1, 12):
        other = x.clone()
        other[:, t:] = (other[:, t:] + 1) % SYMBOLS
        after = net(other)
        assert_close(after[:, :t], before[:, :t], rtol=0, atol=1e-12)
        assert (after[:, t] - before[:, t]).abs().max() > 1e-6


def test_a_window_may_be_shorter_and_not_longer():
    net, x = small(), tokens()
    assert_close(net(x[:, :5]), net(x)[:, :5])
    with pytest.raises(ValueError, match="sees 12 symbols at a time, got 13"):
        net(tokens(length=13))


@pytest.mark.parametrize("arm", ["plain", "E", "PC_gain"])
def test_at_the_start_the_loss_is_the_logarithm_of_the_number_of_symbols(arm):
    net, x = model(), tokens(8, 64)
    net = build(arm, net, [name for name, _ in matrix_layers(net)[1:-1]])
    loss = float(plain_loss(net, (x, tokens(8, 64).flip(0))).detach())
    # Logits are N(0, v) with v = 128 x 0.02^2, which adds v / 2 to the loss.
    assert loss == pytest.approx(math.log(SYMBOLS) + 0.0256, abs=0.05)


def test_positions_are_told_apart():
    net = small()
    same = torch.zeros((1, 12), dtype=torch.long)
    assert (net(same)[0, 3] - net(same)[0, 7]).abs().max() > 1e-5


def test_the_loss_is_the_mean_over_windows_of_each_ones_own():
    net, x = small(), tokens(4)
    targets = tokens(4).roll(1, dims=0)
    each = [plain_loss(net, (x[i : i + 1], targets[i : i + 1])) for i in range(4)]
    assert_close(plain_loss(net, (x, targets)), torch.stack(each).mean())
    assert_close(each[0], cross_entropy(net(x[:1])[0], targets[0]))


def test_its_curvature_can_be_measured():
    found = hessian_probes(small(), plain_loss, (tokens(), tokens().roll(1, dims=1)))
    assert all(math.isfinite(value) for value in found.values())
    assert found["lambda_max"] > 0
