"""What the records of conditioned weights and updates are asked."""

import math

import pytest

from studies import updates
from studies.analysis.claims.updates import (
    CLAIMS,
    CONTRASTS,
    better_at_the_end,
    rank_correlation,
)
from studies.analysis.contrasts import judge_contrast
from studies.analysis.judgement import judge
from studies.analysis.labels import seen_on
from studies.analysis.runs import kind_of, metric_of, setting_of
from studies.engine.configs import settings_of

STEPS, ARMS = 100, ("plain", "E", "PC_gain", "plain+muon", "plain+rmnp")
# An arm that is faster falls to a loss sooner, and here has the smaller kappa.
FASTER = dict(zip(ARMS, (1.0, 1.3, 1.6, 2.5, 2.0), strict=True))


def record(arm, seed, lr=2e-3, kind="text", kappa=None, **changes):
    base = updates.Config() if kind == "text" else updates.IMAGES
    pace = FASTER[arm] * (1 + 0.02 * seed) * (1 if lr == 2e-3 else 0.5)
    points = range(0, STEPS + 1, 5)
    losses = [[step, 4 * math.exp(-pace * step / STEPS)] for step in points]
    metric = "bits_per_character" if kind == "text" else "accuracy"
    end = 3 - pace if kind == "text" else pace / 3
    config = settings_of(updates.replace(base, arm=arm, lr=lr, seed=seed, steps=STEPS))
    return {
        "study": "updates",
        "preset": "real",
        "status": "done",
        "config": config,
        "series": {
            "probe_loss": losses,
            metric: [[0, 9.0], [STEPS, end]],
            "kappa_effective": [[10, 100 / pace if kappa is None else kappa]],
        },
        "tables": {},
        **changes,
    }


def records(kind="text", **options):
    return [
        record(arm, seed, lr, kind, **options)
        for seed in range(3)
        for lr in (6e-4, 2e-3)
        for arm in ARMS
    ]


def test_every_claim_is_of_arms_and_kinds_that_the_real_preset_has():
    there = {(c.kind, c.arm) for c in updates.PRESETS["real"]}
    asked = {(c["kind"], c[which]) for c in CLAIMS for which in ("arm", "than")}
    assert asked <= there
    keys = [c["key"] for c in CLAIMS] + [c.key for c in CONTRASTS]
    assert len(keys) == len(set(keys))


def test_a_text_and_images_are_judged_apart():
    groups = {}
    for kind in ("text", "images"):
        for one in records(kind):
            groups.setdefault(("updates", setting_of(one)), []).append(one)
    (claim,) = (c for c in CLAIMS if c["key"] == "updates-text-muon")
    (row,) = judge(claim, groups)
    assert row["verdict"] == "reproduced"
    assert row["seen"]["runs"] == len(records())
    assert row["seen"]["parameters"] == 1_017_728
    assert row["end"]["metric"] == "bits_per_character"
    assert 2 ** row["own"]["value"] == pytest.approx(1 / 2.5, rel=0.05)


def test_controls_stand_beside_what_they_share_the_optimiser_with():
    groups = {}
    for one in records():
        groups.setdefault(("updates", setting_of(one)), []).append(one)
        config = one["config"]
        if config["arm"] == "E":
            for arm in updates.CONTROLS:
                twin = {**one, "config": {**config, "arm": arm}}
                groups["updates", setting_of(one)].append(twin)
    found = {c["key"]: judge(c, groups)[0] for c in CLAIMS if c["kind"] == "text"}
    assert found["updates-text-e"]["alike"] == ["E_gain", "init_E"]
    assert found["updates-text-muon"]["alike"] == []
    assert found["updates-text-pc"]["alike"] == []


def test_kappa_that_falls_with_the_time_says_which_arm_is_sooner():
    found = rank_correlation(records(), "kappa_effective")
    assert found == pytest.approx({0: 1.0, 1: 1.0, 2: 1.0})


def test_kappa_that_is_the_same_everywhere_says_nothing():
    found = rank_correlation(records(kappa=7.0), "kappa_effective")
    assert all(math.isnan(rho) for rho in found.values())


@pytest.mark.parametrize("kind", ["text", "images"])
def test_better_is_fewer_bits_and_more_accuracy(kind):
    found = better_at_the_end(records(kind), kind, "plain+muon", "plain+rmnp")
    assert list(found) == [0, 1, 2]
    assert all(value > 0 for value in found.values())


def test_contrasts_have_verdicts():
    both = records() + records("images")
    rows = {c.key: judge_contrast(c, both)[0] for c in CONTRASTS}
    assert rows["updates-text-end"]["verdict"] == "contradicted"
    assert rows["updates-images-end"]["verdict"] == "reproduced"
    for kind in ("text", "images"):
        assert rows[f"updates-{kind}-kappa-effective"]["verdict"] == "reproduced"
        assert rows[f"updates-{kind}-kappa-bound"]["verdict"] == "not testable here"


def test_records_are_named_by_kind_and_metric():
    text, images = record("plain", 0), record("plain", 0, kind="images")
    assert (kind_of(text), kind_of(images)) == ("text", "images")
    assert metric_of(text)[0] == "bits_per_character"
    told = seen_on("updates", [text])
    assert told["data"] == "the American Standard Version, by characters"
    assert told["network"] == "transformer, width 128"
