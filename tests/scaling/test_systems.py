"""From a scaling to the solution of a system, in the units that it came in."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sla

import condlab
from tests.containers import CONTAINERS, dense

RNG = np.random.default_rng(0)
A = RNG.standard_normal((5, 5)) * np.geomspace(1, 1e12, 5)[:, None]
X = RNG.standard_normal(5)


@pytest.mark.parametrize("name", ["row", "column", "row-column", "ruiz"])
@pytest.mark.parametrize("columns", [None, 3])
def test_the_solution_comes_back_in_its_own_units(name, columns):
    x = X if columns is None else RNG.standard_normal((5, columns))
    system = condlab.SCALINGS[name].function(A).system(A, A @ x)
    found, residual = system.recover(np.linalg.solve(system.A, system.b))
    assert found == pytest.approx(x, rel=1e-10)
    assert residual == pytest.approx(A @ x - A @ found, abs=1e-300)


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container_is_solved_in_its_own_kind(container):
    B = container(A)
    b = A @ X
    if not sp.issparse(B) and not isinstance(B, np.ndarray):
        b = container(b)
    system = condlab.row_column_scaling(B).system(B, b)
    y = np.linalg.solve(dense(system.A), dense(system.b))
    found = system.recover(y if isinstance(b, np.ndarray) else container(y))
    assert type(found.x) is type(b)
    assert dense(found.x) == pytest.approx(X, rel=1e-9)


def test_a_scaled_system_serves_krylov_methods_too():
    B = sp.csr_array(sp.diags_array(np.geomspace(1, 1e8, 30)))
    system = condlab.jacobi_scaling(B).system(B, B @ np.ones(30))
    x, _ = system.recover(sla.cg(system.A, system.b, rtol=1e-12)[0])
    assert x == pytest.approx(np.ones(30))


def test_a_right_hand_side_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"has 5 rows, got shape \(4,\)"):
        condlab.row_scaling(A).system(A, np.ones(4))
    with pytest.raises(ValueError, match="vector"):
        condlab.row_scaling(A).system(A, np.ones((5, 1, 1)))
