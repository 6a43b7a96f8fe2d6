"""Presets are fair: every arm of a setting meets the same rates and seeds."""

import dataclasses
import importlib
import itertools

import pytest

from studies.engine.arguments import PRESETS, STUDIES
from studies.engine.store import key_of

PAIRED = ("arm", "lr", "seed")


EACH = pytest.mark.parametrize(
    ("study", "preset"), list(itertools.product(STUDIES, PRESETS))
)


def configs(study, preset):
    return importlib.import_module(f"studies.{study}").PRESETS[preset]


def settings(made):
    """Return the paired fields of each setting: of what is no arm, rate or seed."""
    groups = {}
    for config in made:
        fields = dataclasses.asdict(config)
        paired = tuple(fields.pop(name) for name in PAIRED)
        groups.setdefault(str(fields), []).append(paired)
    return groups.values()


@EACH
def test_every_arm_meets_every_rate_and_seed_once(study, preset):
    made = configs(study, preset)
    assert len({key_of(config) for config in made}) == len(made)
    for runs in settings(made):
        arms, rates, seeds = (set(column) for column in zip(*runs, strict=True))
        assert len(arms) > 1
        assert sorted(runs) == sorted(itertools.product(arms, rates, seeds))


@EACH
def test_a_sweep_cut_off_anywhere_leaves_arms_within_one_run(study, preset):
    for runs in settings(configs(study, preset)):
        arms = [arm for arm, _, _ in runs]
        for cut in range(len(arms)):
            counts = [arms[:cut].count(arm) for arm in set(arms)]
            assert max(counts) - min(counts) <= 1


# Ask of normalisations, under their sources' schedules: see test_norm_studies.
OF_NORMS = {"associate_normalization", "micro_batches"}
# Of tables of four arms, with schedules of their own.
STAND_INS = ("segmentation", "point_clouds", "video")
NOT_OF_WEIGHTS = {*OF_NORMS, *STAND_INS, "survey"}
OF_WEIGHTS = [study for study in STUDIES if study not in NOT_OF_WEIGHTS]
CONTROLS = {"weight_standardization": {"GN", "GN+MO", "GN+DO", "GN+AF"}}
WEIGHT_NORMALISED = {"WN", "LN+W", "GN+WN"}
EPOCHS = {
    "vit": 7.9,
    "weight_standardization": 0.99,
    "updates": 0.65,
}  # to train for, at least
BUILT_ON_THE_SPOT = {"digits", "textures", "analytic", "knot", "carved"}


@pytest.mark.parametrize("study", STAND_INS)
def test_real_presets_of_stand_ins_have_the_four_arms_and_three_seeds(study):
    for runs in settings(configs(study, "real")):
        arms, rates, seeds = (set(column) for column in zip(*runs, strict=True))
        assert arms >= {"GN", "GN+WS", "BN", "BN+WS"}
        assert len(rates) >= 3
        assert seeds == {0, 1, 2}


@pytest.mark.parametrize("study", OF_WEIGHTS)
def test_real_presets_are_of_real_data_with_controls_and_three_seeds(study):
    made = configs(study, "real")
    assert not {config.data for config in made} & BUILT_ON_THE_SPOT
    for runs in settings(made):
        arms, rates, seeds = (set(column) for column in zip(*runs, strict=True))
        assert len(arms) >= 5
        assert len(rates) >= 3
        assert seeds == {0, 1, 2}
        assert arms & {"plain", "LN"}
        assert arms >= CONTROLS.get(study, {"E_gain", "init_E"})
        assert arms & WEIGHT_NORMALISED or study == "updates"


def test_the_surveys_real_preset_has_plain_networks_and_three_seeds_or_more():
    made = configs("survey", "real")
    assert not {config.data for config in made} & BUILT_ON_THE_SPOT
    for runs in settings(made):
        arms, _, seeds = (set(column) for column in zip(*runs, strict=True))
        assert "plain" in arms
        assert seeds >= {0, 1, 2}


@pytest.mark.parametrize("study", OF_WEIGHTS)
def test_real_presets_let_the_rate_fall_and_images_be_mirrored(study):
    for config in configs(study, "real"):
        assert getattr(config, "schedule", "cosine") == "cosine"  # NeRF has its own
        if getattr(config, "optimiser", "") == "sgd":
            assert config.momentum == 0.9
        if config.data.startswith("cifar"):
            assert config.mirror
            epochs = config.steps * config.batch / 50_000
            assert epochs > EPOCHS.get(study, 2.9)
