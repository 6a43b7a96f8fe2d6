"""What the records of the studies of normalisations are asked."""

import math

import pytest

from studies import associate_normalization as associate
from studies import micro_batches as micro
from studies import video
from studies.analysis.claims import association, micro_batches, standardization
from studies.analysis.contrasts import has, judge_contrast
from studies.engine.configs import settings_of


def record(study, config, error, status="done", preset="real", **series):
    """Return a run that ends at a test error; the few images say another."""
    ends = {} if status == "diverged" else {"test_accuracy": [[9, 1 - error / 100]]}
    return {
        "study": study,
        "preset": preset,
        "status": status,
        "config": settings_of(config),
        "series": {"accuracy": [[0, 0.1], [9, 0.2]], **ends, **series},
        "tables": {},
    }


# Of tables 1 and 3, by arm: errors in batches of 64 and 2, between which they rise
# evenly; seeds add to all arms alike.
TABLE = {"BN": (6.43, 13.79), "Assoc": (6.19, 7.11), "GN": (7.02, 7.29),
         "IN": (6.54, 9.0), "LN": (9.98, 9.99), "Assoc-bare": (7.04, 0),
         "Assoc-inner": (6.46, 0), "Assoc-times": (6.49, 0),
         "Assoc-IN": (6.5, 0), "Assoc-ILM": (6.2, 0)}  # fmt: skip


def associated(change=lambda config, error: error, **options):
    found = []
    for config in associate.PRESETS["real"]:
        first, last = TABLE[config.arm]
        k = association.BATCHES.index(config.batch)
        worse = 5 * abs(math.log10(config.lr / 0.1))  # at any other rate
        error = first + (last - first) * k / 5 + 0.1 * config.seed + worse
        error = change(config, error)
        found.append(record("associate_normalization", config, error, **options))
    return found


def by_key(contrasts, records):
    return {
        row["key"]: row for contrast in contrasts
        for row in judge_contrast(contrast, records)
    }  # fmt: skip


def measured(contrasts, records, key):
    """Return the numbers of one claim, without what they were seen on: networks."""
    (contrast,) = [c for c in contrasts if c.key == key]
    return contrast.measure([r for r in records if has(r, contrast.about)])


def test_the_tables_own_figures_bear_out_every_claim_of_the_source():
    rows = by_key(association.CONTRASTS, associated())
    asked = {key: row for key, row in rows.items() if "table-2" not in key}
    assert len(asked) == 30
    assert {row["verdict"] for row in asked.values()} == {"reproduced"}
    for suffix in ("", "-own"):
        grown = asked[f"association-table-3-growth-2{suffix}"]["mean"]["value"]
        assert grown == pytest.approx((13.79 - 6.43) - (7.11 - 6.19))
        below = asked[f"association-table-1-gn{suffix}"]["mean"]["value"]
        assert below == pytest.approx(7.02 - 6.19)


def test_turned_around_they_contradict_it():
    rows = by_key(association.CONTRASTS, associated(lambda _, error: 80 - error))
    assert {r["verdict"] for k, r in rows.items() if "table-2" not in k} == {
        "contradicted"
    }


def test_own_best_rates_are_each_batch_sizes_own():
    def change(config, error):  # small batches like another rate
        return error - 9 if (config.lr, config.batch) == (0.03, 2) else error

    rows = by_key(association.CONTRASTS, associated(change))
    own = rows["association-table-3-gn-2-own"]["mean"]["value"]
    assert own == pytest.approx(7.29 - 7.11)


def test_growth_is_not_told_where_both_arms_are_at_chance():
    def change(config, error):
        return 90.0 if config.batch == 2 and config.lr == 0.1 else error

    rows = by_key(association.CONTRASTS, associated(change))
    assert rows["association-table-3-growth-2"]["verdict"] == "not testable here"
    assert rows["association-table-3-growth-2-own"]["verdict"] == "reproduced"


def test_growth_to_chance_counts_where_the_other_arm_still_learns():
    def change(config, error):
        lost = config.arm == "BN" and config.batch == 2
        return 90.0 if lost else error

    rows = by_key(association.CONTRASTS, associated(change))
    assert rows["association-table-3-growth-2"]["verdict"] == "reproduced"


def test_a_diverged_run_counts_as_chance():
    made = associated()
    for k, config in enumerate(associate.PRESETS["real"]):
        if config.arm == "BN" and config.batch == 64:
            made[k] = record("associate_normalization", config, 0, status="diverged")
    rows = by_key(association.CONTRASTS, made)
    below = rows["association-table-1-bn"]["mean"]["value"]
    assert below == pytest.approx(90 - 6.19 - 0.1)  # the mean of the seeds' 0, 0.1, 0.2


def test_table_2_is_of_a_hundred_classes_and_table_1_of_ten():
    made = [
        record("associate_normalization", config, 20 if config.arm == "Assoc" else 30,
               preset="paper", test_top5=[[9, 0.9 if config.arm == "Assoc" else 0.8]],
               top5=[[0, 0.05], [9, 0.5]])
        for config in associate.PRESETS["paper"]
    ]  # fmt: skip
    for key in ("table-2-top-1", "table-2-top-5", "table-1-ln"):
        found = measured(association.CONTRASTS, made, f"association-{key}")
        assert found == pytest.approx(dict.fromkeys(range(5), 10))


def test_claims_of_micro_batches_are_of_arms_that_the_real_preset_has():
    made = [record("micro_batches", c, 50.0) for c in micro.PRESETS["real"]]
    rows = by_key(micro_batches.CONTRASTS, made)
    for key, row in rows.items():
        tested = "table-3" not in key
        assert ("mean" in row) == tested, key


def test_micro_batches_say_who_needs_large_ones():
    errors = {"GN": 25.0, "GN+WS": 23.0, "BN@32": 24.0, "BN+WS@32": 23.5}
    made = [
        record("micro_batches", c, errors.get(c.arm, 40.0) + 0.1 * c.seed)
        for c in micro.PRESETS["real"]
    ]
    rows = by_key(micro_batches.CONTRASTS, made)
    assert rows["micro-batches-gn"]["mean"]["value"] == pytest.approx(2)
    assert rows["micro-batches-bn"]["mean"]["value"] == pytest.approx(0.5)
    assert rows["micro-batches-large"]["mean"]["value"] == pytest.approx(1)
    assert rows["micro-batches-bn-1"]["mean"]["value"] == pytest.approx(17)
    assert rows["micro-batches-needs-bn-2"]["mean"]["value"] == pytest.approx(16)


def test_networks_of_the_paper_preset_are_averaged_but_for_table_3():
    made = [
        record("micro_batches", c, 36.0 if c.arm == "GN" else 30.0, preset="paper")
        for c in micro.PRESETS["paper"]
    ]
    for key in ("gn", "table-3-50"):
        found = measured(micro_batches.CONTRASTS, made, f"micro-batches-{key}")
        assert found == pytest.approx(dict.fromkeys(range(5), 6))


TABLE_6 = {"GN": 42.07, "GN+WS": 44.26, "BN": 44.30, "BN+WS": 46.49}


def filmed(change=lambda error: error):
    return [
        record("video", c, change(100 - TABLE_6[c.arm] + 0.1 * c.seed + (c.lr > 0.1)))
        for c in video.PRESETS["real"]
    ]


def asked_of_videos(records):
    rows = by_key(standardization.CONTRASTS, records)
    return {key: row for key, row in rows.items() if "table-6" in key}


def test_table_6_bears_out_its_claims_and_turned_around_contradicts_the_gains():
    rows = asked_of_videos(filmed())
    assert {row["verdict"] for row in rows.values()} == {"reproduced"}
    gains = {key.split("-", 3)[3]: row["mean"]["value"] for key, row in rows.items()}
    assert gains == pytest.approx({"gn": 2.19, "catch-up": 2 - 0.04, "bn": 2.19})
    rows = asked_of_videos(filmed(lambda error: 100 - error))
    assert [row["verdict"] for row in rows.values()] == [
        "contradicted", "reproduced", "contradicted"
    ]  # fmt: skip


def test_group_norm_does_not_catch_up_from_further_than_the_margin():
    made = [
        record("video", c, 47.0 if c.arm == "BN" else 50.0)
        for c in video.PRESETS["real"]
    ]
    rows = asked_of_videos(made)
    assert rows["standardization-table-6-catch-up"]["verdict"] == "contradicted"


@pytest.mark.parametrize("module", [association, micro_batches, standardization])
def test_keys_are_unique(module):
    keys = [contrast.key for contrast in module.CONTRASTS]
    assert len(set(keys)) == len(keys)
