"""Studies of normalisations: arms, batches and epochs are those that are compared."""

import pytest
import torch

from studies import associate_normalization as associate
from studies.data import Images
from studies.tasks.arms import matrix_layers

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
