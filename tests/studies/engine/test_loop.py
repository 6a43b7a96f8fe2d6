"""The training loop: resumption to the bit, divergence, what is noted when."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from studies.engine.loop import train
from studies.engine.store import load_checkpoint
from tests.studies.engine.tiny import INPUTS, TARGETS, main, tiny_task

ROOT = Path(__file__).parents[3]
STEPS = 200


class Killed(Exception):
    pass


def same_weights(a, b):
    return all(torch.equal(a[name], b[name]) for name in a) and a.keys() == b.keys()


def stop_at(step):
    """Return a batch function that raises at a step, as a kill would."""
    draw = tiny_task().batch

    def batch(at, generator):
        if at == step:
            raise Killed
        return draw(at, generator)

    return batch


@pytest.mark.parametrize("step", [1, 13, 39])
def test_a_run_that_stopped_ends_as_if_it_had_not(tmp_path, step):
    options = {"seed": 3, "steps": 40}
    whole = train(tiny_task(), **options)
    saved = {"checkpoint": tmp_path / "run.pt", "checkpoint_seconds": 0}
    with pytest.raises(Killed):
        train(tiny_task(batch=stop_at(step)), **options, **saved)
    assert load_checkpoint(tmp_path / "run.pt")["step"] == step
    resumed = train(tiny_task(), **options, **saved)
    assert same_weights(whole.network.state_dict(), resumed.network.state_dict())
    assert whole.series == resumed.series


def killed_runs(folder, kills, rng):
    """Kill the program that many times, at random moments, then let it finish."""
    command = [
        sys.executable,
        "-m",
        "tests.studies.engine.tiny",
        str(folder),
        str(STEPS),
    ]
    for _ in range(kills):
        process = subprocess.Popen(command, cwd=ROOT, env=environment())
        seen = stamp(folder)
        while process.poll() is None and stamp(folder) == seen:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.wait()
    subprocess.run(command, cwd=ROOT, check=True, env=environment())


def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def stamp(folder):
    path = folder / "run.pt"
    return path.stat().st_mtime_ns if path.exists() else 0


def check_kills(tmp_path, kills):
    torch.set_num_threads(1)
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    main(tmp_path / "whole", STEPS)
    killed_runs(tmp_path / "killed", kills, random.Random(kills))
    assert load_checkpoint(tmp_path / "killed" / "run.pt")["step"] == STEPS
    whole, killed = (
        torch.load(tmp_path / name / "weights.pt") for name in ("whole", "killed")
    )
    assert same_weights(whole, killed)


def test_a_process_that_is_killed_twice_resumes_to_the_bit(tmp_path):
    check_kills(tmp_path, kills=2)


@pytest.mark.slow
def test_ten_kills_leave_no_trace(tmp_path):
    check_kills(tmp_path, kills=10)


def test_a_damaged_checkpoint_is_named(tmp_path):
    path = tmp_path / "run.pt"
    train(tiny_task(), seed=0, steps=2, checkpoint=path, checkpoint_seconds=0)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"run\.pt is no whole checkpoint; delete it"):
        train(tiny_task(), seed=0, steps=2, checkpoint=path)


def test_divergence_ends_the_run_and_is_said():
    task = tiny_task(loss=lambda net, batch: net(batch[0]).square().mean() * torch.inf)
    outcome = train(task, seed=0, steps=100)
    assert outcome.status == "diverged"
    assert outcome.series.get("loss", []) == []


def test_weights_that_are_not_finite_are_not_probed():
    def ruin(net, batch):
        return (net(batch[0]) * 1e30).sum()

    probed = []
    task = tiny_task(
        loss=ruin,
        optimiser=lambda net: torch.optim.SGD(net.parameters(), lr=1e30),
        probe=lambda net, _optimiser: probed.append(net) or {},
    )
    outcome = train(task, seed=0, steps=50, evaluations=1, probes=(0, 0.04))
    assert outcome.status == "diverged"
    assert len(probed) == 1


def test_evaluations_are_even_and_probes_where_asked():
    task = tiny_task(probe=lambda _net, _optimiser: {"kappa": float("inf")})
    outcome = train(task, seed=0, steps=30, evaluations=3, probes=(0, 0.1, 1))
    assert [step for step, _ in outcome.series["probe_loss"]] == [0, 10, 20, 30]
    assert outcome.series["kappa"] == [[0, "inf"], [3, "inf"], [30, "inf"]]
    assert len(outcome.series["loss"]) == 12


def test_probes_cannot_change_the_run():
    def vandal(net, _optimiser):
        torch.manual_seed(9)
        for parameter in net.parameters():
            parameter.data.zero_()
        return {}

    plain = train(tiny_task(), seed=0, steps=9)
    probed = train(tiny_task(probe=vandal), seed=0, steps=9)
    assert plain.series == probed.series


def test_the_mean_loss_is_the_mean_of_the_steps():
    losses = []

    def loss(net, batch):
        losses.append(torch.nn.functional.mse_loss(net(batch[0]), batch[1]))
        return losses[-1]

    task = tiny_task(loss=loss, evaluate=lambda _net: {})
    outcome = train(task, seed=0, steps=20, evaluations=1)
    by_hand = torch.stack(losses).double().view(4, 5).mean(dim=1).tolist()
    noted = [value for _, value in outcome.series["loss"]]
    assert noted == pytest.approx(by_hand, rel=5e-6)  # records hold six digits


def test_another_seed_gives_another_run_and_the_callers_generator_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    a, b = (train(tiny_task(), seed=seed, steps=5).series for seed in (0, 1))
    assert a["probe_loss"][0] != b["probe_loss"][0]
    assert torch.equal(before, torch.get_rng_state())


def test_the_learning_rate_follows_the_schedule():
    rates = []

    def optimiser(net):
        made = torch.optim.SGD(net.parameters(), lr=0.5)
        made.register_step_pre_hook(lambda *_: rates.append(made.param_groups[0]["lr"]))
        return made

    train(tiny_task(optimiser=optimiser), seed=0, steps=4)
    assert rates == [0.5, 0.375, 0.25, 0.125]


def test_a_batch_in_parts_makes_the_same_steps():
    def plain():
        return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)).double()

    def batch(_step, generator):
        chosen = torch.randint(len(INPUTS), (16,), generator=generator)
        return INPUTS[chosen].double(), TARGETS[chosen].double()

    task = tiny_task(network=plain, batch=batch, evaluate=lambda _net: {})
    whole, parts = (train(task, seed=0, steps=20, accumulate=n) for n in (1, 4))
    for a, b in zip(whole.network.parameters(), parts.network.parameters(),
                    strict=True):  # fmt: skip
        assert_close(a, b, rtol=1e-10, atol=1e-12)
    losses = [[v for _, v in run.series["loss"]] for run in (whole, parts)]
    assert losses[0] == pytest.approx(losses[1])
    with pytest.raises(ValueError, match="in 3 parts must be divisible by it, got 16"):
        train(task, seed=0, steps=1, accumulate=3)
