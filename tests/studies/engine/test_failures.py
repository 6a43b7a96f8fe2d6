"""Sweeps of which some runs fail or die, or were made by other code."""

import json

import pytest
import torch

from studies.__main__ import main
from studies.engine import provenance, store
from studies.engine.attempts import RunsFailedError
from studies.engine.backends import CLUSTERS
from studies.engine.store import Store, key_of, read_lines
from studies.engine.sweeps import Options, sweep
from tests.studies.engine.failing import posix, runs, task
from tests.studies.engine.tiny import tiny_task


def failing(configs, options):
    """Return the records of a sweep of which some runs fail, and what is said."""
    with pytest.raises(RunsFailedError) as caught:
        sweep("tiny", configs, task, options)
    return caught.value.records, str(caught.value)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_raises_is_a_record_and_the_others_go_on(tmp_path, jobs):
    configs = runs(("plain", "raises", "E"), tmp_path, seeds=2)
    options = Options("smoke", out=tmp_path, jobs=jobs)
    records, said = failing(configs, options)
    states = [(r["config"]["arm"], r["status"]) for r in records]
    each = [("plain", "done"), ("raises", "failed"), ("E", "done")]
    assert states == each * 2
    lost = records[1]
    assert lost["error"] == "ZeroDivisionError: no such arm"
    assert "2 of 6 runs of tiny failed" in said
    trace = tmp_path / "tiny" / ".smoke" / f"{lost['key']}.failed.txt"
    assert str(trace) in said
    assert "raise ZeroDivisionError" in trace.read_text()
    assert read_lines(tmp_path / "tiny" / "smoke.jsonl") == records


def test_failed_runs_are_tried_again(tmp_path, monkeypatch):
    configs = runs(("plain", "raises"), tmp_path)
    options = Options("smoke", out=tmp_path, jobs=1)
    before, _ = failing(configs, options)
    mended = sweep("tiny", configs, lambda *_: tiny_task(), options)
    assert mended[0] == before[0]
    assert mended[1]["status"] == "done"
    assert not list((tmp_path / "tiny" / ".smoke").glob("*.failed.*"))


@posix
def test_a_worker_that_dies_is_replaced_and_its_run_is_tried_once_more(tmp_path):
    arms = ("plain", "dies once", "E", "dies", "WS")
    configs = runs(arms, tmp_path)
    options = Options("smoke", out=tmp_path, jobs=2)
    records, _ = failing(configs, options)
    states = {(r["config"]["arm"], r["status"]) for r in records}
    good = {(arm, "done") for arm in arms if arm != "dies"}
    assert states == good | {("dies", "failed")}
    lost = next(r for r in records if r["status"] == "failed")
    assert lost["error"].startswith("its worker died twice: ")
    assert len(records) == len(configs)


def damage_the_rest(path):
    """Write a checkpoint of which only the last byte, far from its head, is wrong."""
    store.save_checkpoint(path, {"step": 1}, provenance.provenance(torch.device("cpu")))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def test_a_damaged_checkpoint_is_named_and_its_run_starts_anew(tmp_path, capsys):
    (config,) = runs(("plain",), tmp_path)
    path = Store(tmp_path / "tiny" / ".smoke").checkpoint(key_of(config))
    damage_the_rest(path)
    options = Options("smoke", out=tmp_path, jobs=1)
    (record,) = sweep("tiny", [config], task, options)
    assert record["status"] == "done"
    assert f"{path} is no whole checkpoint" in capsys.readouterr().err


@posix
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", *CLUSTERS])
def test_twenty_runs_of_which_some_fail_end_on_every_backend(backend, tmp_path):
    if backend != "loky":
        pytest.importorskip({"dask": "distributed"}.get(backend, backend))
    arms = ("plain", "raises", "dies once", "E")
    configs = runs(arms, tmp_path, rates=(0.1, 0.2, 0.3, 0.4, 0.5))
    keep = [c for c in configs if c.arm == "raises"][3:]
    keep += [c for c in configs if c.arm == "dies once"][1:]
    configs = [c for c in configs if c not in keep]
    configs += runs(("WS", "WN", "BN"), tmp_path, rates=(0.1, 0.2))
    assert len(configs) == 20
    folder = tmp_path / "tiny" / ".smoke"
    folder.mkdir(parents=True)
    head, body = (Store(folder).checkpoint(key_of(c)) for c in configs[:2])
    head.write_bytes(b"condlab-run-1 {")
    damage_the_rest(body)
    options = Options("smoke", out=tmp_path, jobs=2, backend=backend)
    records, said = failing(configs, options)
    found = [r["status"] for r in records]
    assert (found.count("done"), found.count("failed")) == (17, 3)
    assert "3 of 20 runs" in said


def test_the_command_ends_with_status_one_where_runs_failed(
    tmp_path, monkeypatch, capsys
):
    def broken(*_):
        raise OSError("no such file")

    monkeypatch.setattr("studies.small_networks.task", broken)
    command = ["small_networks", "--out", str(tmp_path), "--jobs", "1"]
    assert main(command) == 1
    error = capsys.readouterr().err
    assert "runs of small_networks failed, and are tried again next time" in error
    assert "OSError: no such file" in error


def test_runs_of_other_code_or_versions_are_refused_unless_fresh(tmp_path, monkeypatch):
    configs = runs(("plain", "E"), tmp_path)
    options = Options("smoke", out=tmp_path, jobs=1)
    first = sweep("tiny", configs, task, options)
    monkeypatch.setattr(provenance, "_code", lambda: "other")
    with pytest.raises(
        ValueError, match=r"2 made by code \w+ and not other; .*--fresh"
    ):
        sweep("tiny", configs, task, options)
    again = sweep("tiny", configs, task, Options(**{**vars(options), "fresh": True}))
    assert {r["code"] for r in again} == {"other"}
    assert [r["series"] for r in again] == [r["series"] for r in first]


def test_a_checkpoint_of_other_data_is_refused(tmp_path):
    (config,) = runs(("plain",), tmp_path)
    folder = tmp_path / "tiny" / ".smoke"
    made = provenance.provenance(torch.device("cpu"))
    path = Store(folder).checkpoint(key_of(config))
    store.save_checkpoint(path, {"step": 1}, {**made, "data_digest": "abc"})
    with pytest.raises(ValueError, match="1 made by data_digest abc and not unknown"):
        sweep("tiny", [config], task, Options("smoke", out=tmp_path, jobs=1))


def test_status_says_what_is_done_and_runs_nothing(tmp_path, capsys):
    configs = runs(("plain", "raises", "E"), tmp_path)
    options = Options("smoke", out=tmp_path, jobs=1)
    failing(configs, options)
    later = [*configs, *runs(("WS",), tmp_path)]
    capsys.readouterr()
    asked = Options("smoke", out=tmp_path, jobs=1, status=True)
    assert sweep("tiny", later, task, asked) == []
    said = capsys.readouterr().out
    assert "tiny smoke: 2 of 4 runs done, 0 running, 1 failed, 1 not begun;" in said
    assert "the rest takes some" in said
    assert "failed: ZeroDivisionError: no such arm" in said


def test_the_analysis_leaves_failed_runs_out(tmp_path):
    from studies.analysis.meta_analysis import main as analyse

    configs = runs(("plain", "raises"), tmp_path, seeds=3)
    records, _ = failing(configs, Options("smoke", out=tmp_path / "a", jobs=1))
    results = tmp_path / "results"
    (results / "tiny").mkdir(parents=True)
    store.write_lines(results / "tiny" / "smoke.jsonl", records)
    found = json.loads(analyse(results).read_text())
    assert all("raises" not in json.dumps(s) for s in found["settings"])
