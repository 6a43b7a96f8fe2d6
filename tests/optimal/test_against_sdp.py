"""The optimum against semidefinite programming by cvxpy and Clarabel."""

import numpy as np
import pytest

from condlab import cond_2, optimal_scaling, row_scaling
from condlab.collection import COLLECTION
from condlab.gallery import hilbert

cp = pytest.importorskip("cvxpy")
pytest.importorskip("clarabel")

FEASIBLE = 1e-6  # of the peer's own constraints, relative
STOPS = 1e-8  # the peer's tolerance on the objective t = 1 / kappa^2, absolute
pytestmark = pytest.mark.filterwarnings("ignore")  # the peers' own


def by_clarabel(B):
    """Return sqrt(1 / t) for the largest t with t I <= B' diag(w) B <= I, or None."""
    n = B.shape[1]
    w, t = cp.Variable(len(B), nonneg=True), cp.Variable()
    G = B.T @ cp.diag(w) @ B
    problem = cp.Problem(cp.Maximize(t), [G >> t * np.eye(n), G << np.eye(n)])
    problem.solve(solver="CLARABEL")
    values = np.linalg.eigvalsh(B.T @ (w.value[:, None] * B))
    feasible = values[-1] <= 1 + FEASIBLE and values[0] >= t.value * (1 - FEASIBLE)
    return (t.value**-0.5, w.value) if feasible else None


CASES = {
    "gaussian": np.random.default_rng(0).standard_normal((12, 12)),
    "tall": np.random.default_rng(1).standard_normal((25, 8)),
    "legendre": COLLECTION["legendre"].load()[::4, :10],
    "hilbert": hilbert(3),
}


@pytest.mark.parametrize("name", CASES)
def test_clarabels_optimum_is_in_the_bracket_wherever_it_is_feasible(name):
    A = CASES[name]
    start = row_scaling(A)
    found = by_clarabel(start.apply(A))
    if found is None:
        pytest.skip("Clarabel's answer violates its own constraints")
    kappa, w = found
    best = optimal_scaling(A)
    assert best.optimum.lower <= kappa * (1 + 10 * FEASIBLE)
    assert kappa <= best.optimum.upper * (1 + 10 * FEASIBLE + STOPS * kappa**2)
    theirs = np.sqrt(np.maximum(w, 0.0))[:, None] * start.apply(A)
    assert cond_2(theirs).upper >= best.optimum.lower
