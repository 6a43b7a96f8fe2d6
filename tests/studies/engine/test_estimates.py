"""What runs will take is told by what a step and each look take, on a clock of ours."""

from dataclasses import replace

import pytest
import torch

from studies.engine import estimates
from studies.engine.estimates import Costs
from studies.engine.loop import train
from tests.studies.engine.tiny import tiny_task

SECONDS = {"evaluate": 2.0, "probe": 3.0, "curvature": 50.0, "describe": 1000.0}
STEP = 0.5


class Clock:
    """A clock that goes on when something is done, twice as long the first time."""

    def __init__(self):
        self.now, self.spent, self.seen = 0.0, {}, set()

    def perf_counter(self):
        return self.now

    def slow(self, name, seconds, work):
        def call(*args):
            taken = seconds if name in self.seen else 2 * seconds
            self.seen.add(name)
            self.now += taken
            self.spent[name] = self.spent.get(name, 0.0) + taken
            return work(*args)

        return call


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(estimates, "time", clock)
    return clock


def slowed(clock):
    made = tiny_task()
    looks = {n: clock.slow(n, s, getattr(made, n)) for n, s in SECONDS.items()}
    return replace(made, batch=clock.slow("step", STEP, made.batch), **looks)


@pytest.mark.parametrize("steps", [1, 3, 10, 100])
@pytest.mark.parametrize("heavy", SECONDS)
def test_what_is_estimated_is_what_a_run_takes(clock, monkeypatch, steps, heavy):
    monkeypatch.setitem(SECONDS, heavy, 1e5)
    made = slowed(clock)
    costs = Costs.of(made, torch.device("cpu"))
    clock.spent = {}
    train(made, seed=0, steps=steps)
    spent = sum(clock.spent[name] for name in SECONDS)
    assert spent / 2 <= costs.looking(steps) <= 2 * spent
    assert costs.step == STEP
    assert clock.spent["step"] == steps * STEP
