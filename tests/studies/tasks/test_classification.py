"""Images as a task: order, augmentation, scaling, schedules."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from studies import inception
from studies.data import load
from studies.engine.loop import train
from studies.engine.sweeps import Options
from studies.models import MLP
from studies.tasks.augment import epoch_batch, mirrored, shifted
from studies.tasks.classification import Recipe, make_task, on_files
from studies.tasks.schedules import schedule
from studies.tasks.sources import prepare

CPU = torch.device("cpu")
RECIPE = Recipe("sgd", lr=0.1, batch=32, order=0)


def generator():
    return torch.Generator().manual_seed(0)


def test_an_epoch_sees_every_image_once_and_the_next_in_another_order():
    epochs = [torch.cat([epoch_batch(3 * e + i, 4, 12, 7) for i in range(3)])
              for e in (0, 1)]  # fmt: skip
    assert [sorted(e.tolist()) for e in epochs] == [list(range(12))] * 2
    assert not torch.equal(*epochs)


def test_arms_of_one_seed_see_the_same_batches_and_seeds_differ():
    assert torch.equal(epoch_batch(5, 4, 12, 7), epoch_batch(5, 4, 12, 7))
    assert not torch.equal(epoch_batch(5, 4, 12, 7), epoch_batch(5, 4, 12, 8))


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match="a batch of 64 needs as many samples, got 12"):
        epoch_batch(0, 64, 12, 0)


def test_augmented_images_are_shifts_of_the_image_or_its_mirror_image():
    images = torch.arange(1.0, 65).view(1, 1, 8, 8).expand(50, 1, 8, 8)
    image = images[0, 0]
    allowed = []
    for flipped in (image, image.flip(1)):
        wide = nn.functional.pad(flipped, (1, 1, 1, 1))
        allowed += [wide[i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
    seen = set()
    for made in shifted(images, generator())[:, 0]:
        matches = [k for k, a in enumerate(allowed) if torch.equal(a, made)]
        assert len(matches) == 1
        seen.update(matches)
    assert len(seen) > 12  # of 18


def test_mirrored_images_are_the_image_or_its_mirror_image():
    images = torch.arange(1.0, 65).view(1, 1, 8, 8).expand(50, 1, 8, 8)
    made = mirrored(images, generator())
    kept = [torch.equal(one, images[0]) for one in made]
    turned = [torch.equal(one, images[0].flip(2)) for one in made]
    assert all(a != b for a, b in zip(kept, turned, strict=True))
    assert 10 < sum(kept) < 40


def test_channels_are_standardised_by_the_training_images_alone():
    (train_inputs, _), (test_inputs, _) = prepare(load("digits"), CPU)
    assert_close(train_inputs.mean(), torch.tensor(0.0), atol=1e-5, rtol=0)
    assert_close(train_inputs.std(), torch.tensor(1.0), atol=1e-5, rtol=0)
    assert abs(test_inputs.mean()) > 1e-4


def test_schedules_are_what_they_are_called():
    def factors(name, warm_up=0.0):
        factor = schedule(name, warm_up)
        return [factor(done) for done in (0.0, 0.25, 0.5, 0.75)]

    assert factors("constant") == [1, 1, 1, 1]
    assert factors("steps") == pytest.approx([1, 1, 0.1, 0.01])
    assert factors("cosine") == pytest.approx([1, 0.8535534, 0.5, 0.1464466])
    rising = factors("constant", warm_up=0.5)
    assert 0 < rising[0] < rising[1] < rising[2] == 1


def test_milestones_are_free_and_checked():
    factor = schedule("steps:0.3,0.6,0.9")
    found = [factor(done) for done in (0.0, 0.29, 0.3, 0.6, 0.95)]
    assert found == pytest.approx([1, 1, 0.1, 0.01, 0.001])
    for wrong in ("steps:0.6,0.3", "steps:0.5,x", "steps:1.5", "steps:0.5,0.5"):
        with pytest.raises(ValueError, match="shares of the run that ascend"):
            schedule(wrong)
    with pytest.raises(
        ValueError, match="must be one of constant, cosine, poly, stairs, steps"
    ):
        schedule("linear")


def test_files_take_the_place_of_the_digits_in_every_arm(tmp_path):
    configs = [inception.Config(arm=arm) for arm in ("plain", "E")]
    assert on_files(configs, Options("cpu")) == configs
    read = on_files(configs, Options("cpu", data=tmp_path))
    assert [(c.arm, c.data) for c in read] == [
        ("plain", "cifar10_16"),
        ("E", "cifar10_16"),
    ]


def test_digits_are_learned_and_every_point_is_watched():
    images, seen = load("digits"), []
    task = make_task(images, lambda: MLP(64, 10), RECIPE, CPU)
    outcome = train(
        task,
        seed=0,
        steps=150,
        evaluations=3,
        probes=(),
        curvature=(),
        watch=lambda *point: seen.append(point),
    )
    assert outcome.series["accuracy"][-1][1] > 0.85
    assert len(seen) == sum(map(len, outcome.series.values()))
