"""A time limit: no phase is begun that is expected to end after it."""

import numpy as np
import pytest

from condlab import optimal_scaling
from condlab.optimal import _progress
from condlab.optimal._progress import Clock


@pytest.fixture
def time(monkeypatch):
    """Return a clock that stands still until told."""

    class Time:
        now = 100.0

        def monotonic(self):
            return self.now

    time = Time()
    monkeypatch.setattr(_progress, "time", time)
    return time


def test_a_phase_is_expected_to_last_as_long_as_the_longest_of_its_name(time):
    clock = Clock(10.0)
    for seconds in (1.0, 4.0, 2.0):
        with clock.phase("step"):
            time.now += seconds
    assert clock.seconds("step") == 4.0
    assert clock.remaining() == 3.0
    assert not clock.affords("step")


def test_decompositions_are_predicted_by_that_of_a_smaller_matrix(time, monkeypatch):
    clock = Clock(100.0)

    def svd(A, compute_uv):
        time.now += 0.01

    monkeypatch.setattr(np.linalg, "svd", svd)
    clock.calibrate((3000, 3000))
    predicted = 0.01 * (3000 / 600) ** 3
    assert predicted <= clock.seconds("judge") <= 2 * predicted
    assert clock.affords("judge")
    assert not clock.affords("step", "bound", "bound", "bound", "bound")


def test_without_a_limit_everything_is_afforded():
    clock = Clock(None)
    clock.calibrate((5000, 5000))
    assert clock.affords("start", "step", "bound")
    assert not clock.over()


@pytest.mark.parametrize("side", ["left", "right", "symmetric", "both"])
def test_where_not_even_the_start_fits_the_bracket_is_open(side, monkeypatch):
    monkeypatch.setattr(Clock, "affords", lambda self, *phases: False)
    A = np.random.default_rng(0).standard_normal((6, 6))
    A = A @ A.T
    best = optimal_scaling((A + A.T) / 2, side=side, time_limit=1.0)
    assert best.stopped == "time limit"
    assert best.optimum.lower == 1
    assert best.optimum.upper == np.inf


@pytest.mark.parametrize("side", ["left", "symmetric"])
def test_one_decomposition_gives_a_true_bracket(side, monkeypatch):
    monkeypatch.setattr(Clock, "affords", lambda self, *phases: "start" not in phases)
    A = np.random.default_rng(0).standard_normal((6, 6))
    A = A @ A.T
    A = (A + A.T) / 2
    hurried = optimal_scaling(A, side=side, time_limit=1e-9).optimum
    monkeypatch.undo()
    best = optimal_scaling(A, side=side).optimum
    assert 1 < hurried.lower <= best.upper
    assert best.lower <= hurried.upper < np.inf
    assert type(hurried.lower) is type(hurried.upper) is float
