"""A time limit: no phase is begun that is expected to end after it."""

import numpy as np
import pytest
import scipy.linalg as sl
import scipy.sparse as sp

from condlab import optimal_scaling
from condlab.condition._sparse_lu import Factorisation
from condlab.optimal import _progress
from condlab.optimal._progress import Clock


@pytest.fixture
def time(monkeypatch):
    """Return a clock that stands still until told."""

    class Time:
        now = 100.0
        busy = 0.0  # seconds in which other processes ran

        def monotonic(self):
            return self.now + self.busy

        def process_time(self):
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


def test_other_processes_do_not_change_what_is_predicted(time, monkeypatch):
    found = []
    for busy in (0.0, 0.3):

        def svd(A, compute_uv, others=busy):
            time.now += 0.01
            time.busy += others

        monkeypatch.setattr(np.linalg, "svd", svd)
        clock = Clock(100.0)
        clock.calibrate((3000, 3000))
        found.append((clock.seconds("judge"), clock.work(0.5) / clock.remaining()))
    assert found[0] == pytest.approx(found[1])


def test_a_portion_of_a_clock_ends_before_it(time):
    clock = Clock(10.0)
    part = clock.portion(0.2)
    assert part.remaining() == pytest.approx(2.0)
    time.now += 5.0
    assert part.over()
    assert not clock.over()
    assert not Clock(None).portion(0.2).limited


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


UNITS = {  # of time that calls take, in singular value decompositions
    np.linalg: {"svd": 1.0, "eigh": 1.0, "eigvalsh": 0.5, "solve": 0.1, "inv": 0.3},
    sl: {"cho_factor": 0.3},
    Factorisation: {"solve": 0.1, "solve_adjoint": 0.1},
}


@pytest.fixture
def work(time, monkeypatch):
    """Let the clock go on with each decomposition and each solve, and only then."""

    def timed(call, units):
        def worked(*parts, **options):
            time.now += units
            return call(*parts, **options)

        return worked

    for where, calls in UNITS.items():
        for name, units in calls.items():
            monkeypatch.setattr(where, name, timed(getattr(where, name), units))
    return time


def gaussian(m, n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, n)) * 10.0 ** rng.uniform(-2, 2, (m, 1))


def definite(n):
    G = gaussian(n, n) @ gaussian(n, n).T
    return G + 1e-3 * np.diag(np.diag(G))


def band(n):
    rng = np.random.default_rng(1)
    ones, d = -np.ones(n - 1), sp.diags_array(np.exp(rng.standard_normal(n)))
    A = sp.diags_array([2 + rng.random(n), ones, ones], offsets=[0, 1, -1])
    return sp.csr_array(d @ A @ d)


@pytest.mark.parametrize(
    ("A", "side", "limit"),
    [
        (gaussian(20, 20), "left", 40),
        (gaussian(30, 12), "left", 20),
        (gaussian(12, 30), "right", 20),
        (definite(20), "symmetric", 40),
        (gaussian(20, 20), "both", 40),
        (gaussian(30, 12), "both", 40),
        (gaussian(20, 20) + 1j * gaussian(20, 20, 1), "left", 40),
        (np.hstack([gaussian(20, 8)] * 2), "left", 40),
        (band(1200), "left", 40),
    ],
)
def test_the_clock_is_asked_between_units_of_work(A, side, limit, work):
    start = work.now
    best = optimal_scaling(A, side=side, rtol=1e-9, time_limit=limit)
    assert work.now - start <= 1.2 * limit
    assert best.stopped in ("time limit", "singular")
    bracket = best.on_range or best.optimum
    assert bracket.upper > bracket.lower * (1 + 1e-9)  # there was more to do
