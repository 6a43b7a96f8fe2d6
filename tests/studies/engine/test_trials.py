"""Sweeps: pairing, interleaving, budgets, processes, clusters."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from studies.__main__ import main
from studies.engine import sweeps
from studies.engine.backends import CLUSTERS
from studies.engine.configs import grid
from studies.engine.store import read_lines
from studies.engine.sweeps import Options, sweep
from tests.studies.engine.tiny import tiny_task

TIMES = {"seconds", "probe_seconds", "sum"}


@dataclass(frozen=True)
class Config:
    arm: str = "plain"
    lr: float = 0.1
    seed: int = 0
    steps: int = 12


def task(config, _options):
    """Return the tiny task; a function of a module, so that processes can find it."""
    return tiny_task(
        optimiser=lambda net: torch.optim.SGD(net.parameters(), lr=config.lr)
    )


CONFIGS = grid(Config(), ("plain", "E"), (0.01, 0.1), range(2))


def timeless(records):
    return [{k: v for k, v in r.items() if k not in TIMES} for r in records]


def test_a_cut_off_sweep_has_run_all_arms_equally_often():
    arms = [config.arm for config in CONFIGS]
    for cut in range(0, len(arms), 2):
        assert arms[:cut].count("plain") == arms[:cut].count("E")


def test_more_seeds_keep_all_else_and_stay_interleaved(tmp_path):
    options = Options("smoke", out=tmp_path, jobs=1, seeds=3)
    short = [replace(config, steps=1) for config in CONFIGS]
    ran = [r["config"] for r in sweep("tiny", short, task, options)]
    assert [c["seed"] for c in ran] == [seed for seed in range(3) for _ in range(4)]
    kinds = [(c["arm"], c["lr"]) for c in ran]
    assert kinds[:4] == kinds[4:8] == kinds[8:]
    assert len(set(kinds)) == 4


def test_two_processes_give_the_records_of_one(tmp_path):
    one, two = (
        sweep("tiny", CONFIGS, task, Options("smoke", out=tmp_path / str(n), jobs=n))
        for n in (1, 2)
    )
    assert timeless(one) == timeless(two)
    assert [r["config"]["arm"] for r in two] == [c.arm for c in CONFIGS]
    assert read_lines(tmp_path / "2" / "tiny" / "smoke.jsonl") == two


def test_finished_runs_are_not_run_again(tmp_path):
    ran = []

    def counted(config, options):
        ran.append(config)
        return task(config, options)

    options = Options("smoke", out=tmp_path, jobs=1)
    first = sweep("tiny", CONFIGS[:3], counted, options)
    assert sweep("tiny", CONFIGS, counted, options)[:3] == first
    assert ran == CONFIGS


def test_one_cell_of_a_preset_can_be_run_alone(tmp_path, capsys):
    chosen = ["--arms", "plain,E", "--rates", "0.1,0.2", "--steps", "2", "--seeds", "2"]
    where = ["--out", str(tmp_path), "--jobs", "1", "--scene", "carved"]
    assert main(["shapes", *chosen, *where, "--json"]) == 0
    printed = capsys.readouterr().out.splitlines()
    configs = [json.loads(line)["config"] for line in printed]
    assert {c["data"] for c in configs} == {"carved"}
    assert {c["steps"] for c in configs} == {2}
    found = [(c["seed"], c["lr"], c["arm"]) for c in configs]
    assert found == [
        (seed, lr, arm)
        for seed in (0, 1) for lr in (0.1, 0.2) for arm in ("plain", "E")
    ]  # fmt: skip
    assert main(["shapes", "--arms", "WS,F", *where]) == 2
    assert "the preset's arms are plain, E; got 'WS'" in capsys.readouterr().err


def test_a_killed_sweep_leaves_the_cells_that_are_whole(tmp_path):
    def killed(config, options):
        if config == CONFIGS[6]:
            raise KeyboardInterrupt
        return task(config, options)

    options = Options("smoke", out=tmp_path, jobs=1)
    with pytest.raises(KeyboardInterrupt):
        sweep("tiny", CONFIGS, killed, options)
    left = read_lines(tmp_path / "tiny" / "smoke.jsonl")
    assert [r["config"]["seed"] for r in left] == [0] * 4
    assert sweep("tiny", CONFIGS, task, options)[:4] == left


def test_denormal_numbers_are_zero_within_runs_alone(tmp_path):
    tiny = torch.tensor(1e-20)
    within = []

    def noting(config, options):
        within.append(float(tiny * tiny))
        return task(config, options)

    sweep("tiny", CONFIGS[:2], noting, Options("smoke", out=tmp_path, jobs=1))
    assert within == [0.0, 0.0]
    assert float(tiny * tiny) > 0


def test_a_budget_scales_all_arms_by_one_factor_that_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(sweeps, "_estimate", lambda *_: (20.0, 5.0))
    options = Options("smoke", out=tmp_path, jobs=1, budget_seconds=10)
    records = sweep("tiny", CONFIGS, task, options)
    assert {r["config"]["steps"] for r in records} == {3}
    monkeypatch.setattr(sweeps, "_estimate", lambda *_: (80.0, 5.0))
    assert sweep("tiny", CONFIGS, task, options) == records
    rich = replace(options, budget_seconds=100.0)
    assert {r["config"]["steps"] for r in sweep("tiny", CONFIGS, task, rich)} == {12}


def test_the_estimate_grows_with_the_steps():
    options = Options("smoke", jobs=1)
    few, many = (
        sweeps._estimate([Config(steps=steps)], task, options)[0]
        for steps in (10, 10_000)
    )
    assert many > 50 * few > 0


def test_a_budget_that_does_not_pay_for_the_probes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sweeps, "_estimate", lambda *_: (20.0, 12.0))
    options = Options("smoke", out=tmp_path, budget_seconds=10)
    with pytest.raises(ValueError, match=r"10 s is too little: .* 8 runs take 12 s"):
        sweep("tiny", CONFIGS, task, options)


@pytest.mark.parametrize("backend", CLUSTERS)
def test_a_missing_cluster_is_said_and_how_to_get_it(backend, tmp_path, capsys):
    if importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is installed")
    options = ["--backend", backend, "--out", str(tmp_path)]
    assert main(["small_networks", *options]) == 2
    assert f"needs {backend}[" in capsys.readouterr().err


def test_a_missing_tensorboard_is_said(tmp_path, capsys):
    if importlib.util.find_spec("tensorboard"):
        pytest.skip("tensorboard is installed")
    logs = ["--tensorboard", str(tmp_path / "logs"), "--out", str(tmp_path)]
    assert main(["small_networks", "--jobs", "1", *logs]) == 2
    assert "pip install tensorboard" in capsys.readouterr().err


@pytest.mark.parametrize("backend", CLUSTERS)
def test_a_cluster_gives_the_records_of_one_process(backend, tmp_path):
    pytest.importorskip("distributed" if backend == "dask" else backend)
    here, there = (
        sweep("tiny", CONFIGS, task, Options("smoke", out=tmp_path / b, backend=b))
        for b in ("loky", backend)
    )
    assert timeless(here) == timeless(there)


@pytest.mark.slow
def test_two_processes_of_torchrun_share_a_batch(tmp_path):
    program = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command = [*program, "--master-port", "29517", "-m", "tests.studies.engine.shared"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[3]
    subprocess.run(
        [*command, str(tmp_path)], cwd=root, env=environment, check=True, timeout=120
    )
    two, one = (json.loads((tmp_path / f"{n}.json").read_text()) for n in (2, 1))
    assert two["loss"] == pytest.approx(one["loss"], rel=1e-5)
    assert two["weights"] == pytest.approx(one["weights"], rel=1e-5)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_gpu_that_is_not_there_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="torch sees none here; leave it out"):
        _ = Options("real", place="cuda").device


def test_presets_for_a_gpu_can_be_kept_on_the_cpu():
    assert Options("gpu", place="cpu").device == torch.device("cpu")
