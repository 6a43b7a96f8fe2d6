"""Studies of normalisations: arms, batches and epochs are those that are compared."""

import copy
import re

import pytest
import torch
from torch import nn

from condlab.nn.norms import BatchGroupNorm
from studies import associate_normalization as associate
from studies import micro_batches as micro
from studies.data import Images
from studies.engine.options import Options
from studies.tasks.arms import matrix_layers
from studies.tasks.classification import plain_loss

PIXELS, LABELS = torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.zeros(2).long()
IMAGES = Images("grey", PIXELS, LABELS, PIXELS, LABELS, num_classes=10)


def real(study, **fields):
    return [
        config
        for config in study.PRESETS["real"]
        if all(getattr(config, name) == value for name, value in fields.items())
    ]


def test_five_norms_meet_every_batch_size_at_the_sources_rate_with_three_seeds():
    for batch in (64, 32, 16, 8, 4, 2):
        found = {(c.arm, c.seed) for c in real(associate, batch=batch, lr=0.1)}
        assert found >= {(arm, s) for arm in associate.NORMS for s in range(3)}


def test_batch_sizes_share_the_number_of_epochs():
    for preset in ("cpu", "real", "gpu", "paper"):
        made = associate.PRESETS[preset]
        seen = [c.steps * c.batch for c in made]
        assert min(seen) > 0.98 * max(seen)  # the last, smaller batches are left out


@pytest.mark.parametrize("arm", associate.ARMS)
def test_arms_are_the_norms_that_they_name(arm):
    config = associate.Config(arm=arm)
    net = associate.network(config, IMAGES)
    kinds = {"BN": "BatchNorm2d", "IN": "InstanceNorm2d", "GN": "GroupNorm",
             "LN": "GroupNorm"}  # fmt: skip
    norm = net.stem[1]
    assert type(norm).__name__ == kinds.get(arm, "AssocNorm")
    if arm == "LN":
        assert norm.num_groups == 1
    if arm in ("GN", "Assoc"):
        groups = norm.num_groups if arm == "GN" else norm.groups
        assert 8 // groups == 2  # channels a group, as in the source
    if arm == "IN":
        assert norm.affine


def test_the_variants_differ_from_the_sources_layer_in_one_option_each():
    own = associate.norm_of("Assoc", 64)(64)
    for arm in associate.VARIANTS:
        layer = associate.norm_of(arm, 64)(64)
        options = ("keys", "combine", "pairing", "groups", "correction", "eps")
        changed = [o for o in options if getattr(layer, o) != getattr(own, o)]
        assert len(changed) == (arm != "Assoc"), (arm, changed)


def test_all_norms_start_from_the_same_convolutions_and_head():
    drawn = []
    for arm in associate.ARMS:
        torch.manual_seed(0)
        net = associate.network(associate.Config(arm=arm), IMAGES)
        drawn.append([layer.weight for _, layer in matrix_layers(net)])
    for weights in drawn[1:]:
        assert all(map(torch.equal, weights, drawn[0]))


def micro_network(arm, **changes):
    """Return a network of an arm in double precision, in training, and its config."""
    config = micro.Config(arm=arm, batch=8, **changes)
    torch.manual_seed(0)
    return micro.network(config, IMAGES).double().train(), config


def gradients(net, loss, batch):
    net.zero_grad()
    loss(net, batch).backward()
    return [p.grad.clone() for p in net.parameters()]


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(8, 3, 8, 8, generator=generator, dtype=torch.float64)
    return inputs, torch.arange(8) % 10


ROUNDING = 2.0**-53 * 2**16  # of sums over some 10,000 terms, through ten layers


def assert_same(found, expected):
    scale = max(float(g.norm()) for g in expected)
    for a, b in zip(found, expected, strict=True):
        assert float((a - b).norm()) <= ROUNDING * scale


@pytest.mark.parametrize("size", [1, 2, 8])
@pytest.mark.parametrize("arm", ["GN", "GN+WS"])
def test_group_norms_accumulated_gradient_is_that_of_the_whole_batch(arm, size, batch):
    net, _ = micro_network(arm)
    whole = gradients(net, plain_loss, batch)
    assert_same(gradients(net, micro.accumulated(plain_loss, size), batch), whole)


@pytest.mark.parametrize("arm", ["BN@2", "BN+WS@2", "renorm@2", "BCN-est+WS@2"])
def test_a_step_is_of_the_sum_of_micro_batches_gradients(arm, batch):
    net, _ = micro_network(arm)
    twin = copy.deepcopy(net)
    found = gradients(net, micro.accumulated(plain_loss, 2), batch)
    twin.zero_grad()
    for k in range(0, 8, 2):
        (plain_loss(twin, tuple(x[k : k + 2] for x in batch)) / 4).backward()
    assert_same(found, [p.grad for p in twin.parameters()])
    for own, other in zip(net.buffers(), twin.buffers(), strict=True):
        assert torch.equal(own, other)  # moving averages take one part after another


def test_batch_norm_sees_its_micro_batch_alone(batch):
    net, _ = micro_network("BN@2")
    whole = gradients(net, plain_loss, batch)
    parts = gradients(net, micro.accumulated(plain_loss, 2), batch)
    scale = float(whole[0].norm())
    assert float((whole[0] - parts[0]).norm()) > 1e-3 * scale


def test_ghost_norm_on_halves_has_the_gradient_of_batch_norm_on_halves(batch):
    ghost, _ = micro_network("ghost@8")
    plain, _ = micro_network("BN@4")
    found = gradients(ghost, micro.accumulated(plain_loss, 8), batch)
    assert_same(found, gradients(plain, micro.accumulated(plain_loss, 4), batch))


def test_ghost_norm_with_one_chunk_is_batch_norm(batch):
    layer, plain = BatchGroupNorm(3, examples=8).double(), nn.BatchNorm2d(3).double()
    torch.testing.assert_close(layer(batch[0]), plain(batch[0]), rtol=0, atol=ROUNDING)


def test_batch_renorm_starts_as_batch_norm(batch):
    renorm, _ = micro_network("renorm@2", steps=100)
    plain, _ = micro_network("BN@2", steps=100)
    own = micro.accumulated(plain_loss, 2)
    assert_same(gradients(renorm, own, batch), gradients(plain, own, batch))


def test_batch_renorm_reaches_its_limits_within_the_run():
    net, config = micro_network("renorm@2", steps=130)
    norm, looks = net.stem[1], 130 * 4
    assert (norm.warm_up, norm.d_steps, norm.r_steps) == (20, 101, 161)
    norm.num_batches_tracked.fill_(looks)
    assert [float(limit) for limit in norm.limits()] == [3.0, 5.0]
    assert config.batch == 8


@pytest.mark.parametrize("arm", ["BN@8", "BN@2", "BN@1"])
def test_moving_averages_span_as_many_images_at_every_size(arm, batch):
    net, config = micro_network(arm)
    size = micro.parts_of(arm).micro
    assert net.stem[1].momentum * config.batch / size == pytest.approx(0.1)


@pytest.mark.parametrize("arm", ["BN@3", "renorm@7", "BCN+WS@16"])
def test_micro_batches_that_make_up_no_batch_are_refused(arm):
    config = micro.Config(arm=arm, batch=8)
    with pytest.raises(ValueError, match=f"got 8 images and {re.escape(arm)}"):
        micro.task(config, Options("smoke"))


def test_micro_batches_of_every_size_meet_the_arms_of_the_sources_table():
    arms = {config.arm for config in micro.PRESETS["real"]}
    assert arms >= {"GN", "GN+WS", *(f"BN@{k}" for k in (1, 2, 8, 32)),
                    *(f"BN+WS@{k}" for k in (1, 2, 8, 32))}  # fmt: skip
    assert {c.lr for c in micro.PRESETS["real"]} == {0.1}
    assert {c.seed for c in micro.PRESETS["real"]} == {0, 1, 2}


def test_the_paper_preset_is_tables_1_and_3():
    tables = {}
    for config in micro.PRESETS["paper"]:
        tables.setdefault((config.network, config.batch), set()).add(config.arm)
    assert tables == {
        ("resnet50", 256): {"GN", "GN+WS", "BN@64", "BN+WS@64"},
        ("resnet101", 128): {"GN", "GN+WS", "BN@32", "BN+WS@32"},
        ("resnext50", 128): {"GN", "GN+WS"},
        ("resnext101", 128): {"GN", "GN+WS"},
    }
