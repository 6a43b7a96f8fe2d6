"""The matrices from practice are what their descriptions say."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csgraph
from sklearn import datasets

from condlab import collection
from condlab.collection import COLLECTION, _applications, _elements, _graphs
from condlab.errors import MissingExtraError
from condlab.gallery import laplacian_2d

EPS = np.finfo(float).eps
EVERY = pytest.mark.parametrize("entry", COLLECTION.values(), ids=COLLECTION)


def dense(A):
    return A.toarray() if sp.issparse(A) else A


@EVERY
def test_every_matrix_has_the_shape_its_description_gives(entry):
    shape = re.search(r"\((\d+) x (\d+)\)$", entry.description)
    A = entry.load()
    assert A.shape == (int(shape[1]), int(shape[2]))
    assert A.dtype == np.float64
    assert np.isfinite(dense(A)).all()
    assert re.search(r"\d{4}", entry.source)


@EVERY
def test_every_matrix_is_the_same_each_time(entry):
    assert_array_equal(dense(entry.load()), dense(entry.load()))


@EVERY
def test_every_matrix_but_the_digits_has_full_rank(entry):
    A = dense(entry.load())
    rank = np.linalg.matrix_rank(A / np.linalg.norm(A, axis=0).clip(1e-300))
    assert rank == (61 if entry.name == "digits" else min(A.shape))


def test_collection_is_read_only_and_keyed_by_name():
    assert len(COLLECTION) >= 14
    assert all(name == entry.name for name, entry in COLLECTION.items())
    with pytest.raises(TypeError):
        COLLECTION["wine"] = None
    with pytest.raises(ValueError, match="same name"):
        collection._keyed(COLLECTION["wine"], COLLECTION["wine"])


def test_missing_scikit_learn_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match="the data set digits needs scikit-le"):
        COLLECTION["digits"].load()


def test_the_example_of_the_readme_needs_no_extra(monkeypatch):
    expected = datasets.load_wine(return_X_y=True)[0]
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert_array_equal(COLLECTION["wine"].load(), expected)


def test_diabetes_is_in_the_units_it_was_measured_in():
    A = COLLECTION["diabetes"].load()
    assert 18 < A[:, 0].min() < A[:, 0].max() < 90  # years
    assert set(A[:, 1]) == {1, 2}


def test_uniform_elements_with_constant_coefficient_are_the_five_point_laplacian():
    stiffness, mass = _elements.stiffness_and_mass(6, grading=1, jump=1)
    assert_allclose(dense(stiffness), dense(laplacian_2d(5)), atol=1e2 * EPS)
    inner = dense(mass)[12]  # the node in the middle: six triangles around it
    assert_allclose(inner.sum(), 1 / 36, rtol=1e2 * EPS)


def test_graded_elements_solve_for_a_linear_function_exactly():
    lines = np.linspace(0, 1, 8) ** 2.5
    x, y = (grid.ravel() for grid in np.meshgrid(lines, lines, indexing="ij"))
    triangles = _elements._triangles(7)
    corners = np.stack([x, y], 1)[triangles]
    area = np.linalg.det(corners[:, 1:] - corners[:, :1]) / 2
    assert (area > 0).all()
    assert_allclose(area.sum(), 1, rtol=1e2 * EPS)
    mass = _elements.stiffness_and_mass(7)[1]
    everywhere = _elements._assemble(
        (np.ones((3, 3)) + np.eye(3)) * (area / 12)[:, None, None], triangles
    )
    # the integral of x y^2 r, r the hat functions, is exact where all is quadratic
    assert_allclose(x @ (everywhere @ y), 1 / 4, rtol=1e2 * EPS)
    inside = (x > 0) & (x < 1) & (y > 0) & (y < 1)
    assert_allclose(dense(mass), dense(everywhere)[np.ix_(inside, inside)], rtol=1e-12)


def test_stiffness_integrates_the_energy_of_a_hat_on_both_sides_of_the_jump():
    stiffness, _ = _elements.stiffness_and_mass(4, grading=1, jump=1e4)
    left, right = dense(stiffness)[0, 0], dense(stiffness)[8, 8]
    assert_allclose([left, right], [4.0, 4e4], rtol=1e2 * EPS)


def test_cantilever_bends_as_euler_and_bernoulli_say():
    length, bending = 3.0, 7.0
    A = dense(_elements.cantilever(9, length=length, stiffness=bending))
    load = np.zeros(18)
    load[-2] = 1.0
    deflection, rotation = np.linalg.solve(A, load)[-2:]
    rounding = 18 * EPS * np.linalg.cond(A)
    assert_allclose(deflection, length**3 / (3 * bending), rtol=rounding)
    assert_allclose(rotation, length**2 / (2 * bending), rtol=rounding)


def test_convection_diffusion_conserves_and_is_an_m_matrix():
    A = dense(COLLECTION["convection-diffusion"].load())
    off_diagonal = A - np.diag(np.diagonal(A))
    assert (np.diagonal(A) > 0).all()
    assert (off_diagonal <= 0).all()
    columns = A.sum(axis=0).reshape(24, 24)
    rounding = 8 * EPS * abs(A).max()
    assert abs(columns[1:-1, 1:-1]).max() < rounding  # what leaves a cell enters others
    assert (columns[-1] > rounding).all()
    assert (np.linalg.inv(A) >= -rounding).all()


def test_uniform_diffusion_without_a_layer_is_the_second_difference_inside():
    faces = np.linspace(0, 1, 9)
    A = dense(_elements._flux(faces, 1 / 8)) - np.eye(8) + np.eye(8, k=-1)
    expected = 2 * np.eye(8) - np.eye(8, k=1) - np.eye(8, k=-1)
    expected[0, 0] = expected[-1, -1] = 3  # half a cell to the wall
    assert_allclose(A, expected, atol=1e2 * EPS)


def test_karate_club_has_its_known_friends_and_triangles():
    edges = _graphs.karate_edges()
    assert edges.shape == (78, 2)
    A = np.zeros((34, 34))
    A[tuple(edges.T)] = 1
    A += A.T
    assert A.max() == 1
    assert A.sum(axis=0)[[0, 33, 32, 2, 1]].tolist() == [16, 17, 12, 10, 9]
    assert np.trace(A @ A @ A) == 6 * 45
    assert_allclose(
        dense(COLLECTION["karate"].load()), csgraph.laplacian(A) + 1e-3 * np.eye(34)
    )


@pytest.mark.parametrize(("name", "shift"), [("karate", 1e-3), ("sensors", 1.0)])
def test_regularised_laplacian_has_the_shift_as_smallest_eigenvalue(name, shift):
    A = dense(COLLECTION[name].load())
    assert_array_equal(A, A.T)
    values = np.linalg.eigvalsh(A)
    assert_allclose(values[0], shift, atol=len(A) * EPS * values[-1])


def test_random_geometric_weights_fall_with_the_square_of_distance():
    edges, weights = _graphs.random_geometric(
        50, radius=0.2, rng=np.random.default_rng(0)
    )
    points = np.random.default_rng(0).random((50, 2))
    distance = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    assert (distance < 0.2).all()
    assert_allclose(weights * distance**2, 1, rtol=8 * EPS)


def test_resistor_network_gives_the_grounded_conductance_matrix():
    A = _graphs.resistor_network(5, rng=np.random.default_rng(3))
    conductance = 10 ** (2 * np.random.default_rng(3).uniform(-1.5, 1.5, 40))
    G = np.zeros((25, 25))
    for k, (i, j) in enumerate(
        [(5 * r + c, 5 * r + c + 1) for r in range(5) for c in range(4)]
        + [(5 * r + c, 5 * r + c + 5) for r in range(4) for c in range(5)]
    ):
        G[i, j] = G[j, i] = conductance[k]
    expected = csgraph.laplacian(G)[1:, 1:]
    assert_allclose(dense(A.T @ A), expected, atol=1e2 * EPS * conductance.max())


def test_newton_matrix_of_the_tanks_is_the_derivative_of_their_rates():
    n, h, step = 6, 1e-200, 100.0
    state = _applications.tank_state(n)
    derivative = np.empty((2 * n, 2 * n))
    for k in range(2 * n):  # a complex step loses nothing to cancellation
        moved = state.astype(complex)
        moved.flat[k] += 1j * h
        derivative[:, k] = _applications.tank_rates(moved).imag.ravel() / h
    expected = np.eye(2 * n) - step * derivative
    assert_allclose(
        dense(_applications.tank_newton_matrix(n, step=step)), expected, rtol=1e3 * EPS
    )


def test_production_plan_balances_a_plan_made_by_hand():
    A = _applications.production_plan(2)
    produced, stock, spare = [2000.0, 1200.0], [2.0, 3.2], [400.0, 2400.0]
    workers, hired = [2.0, 3.0], [2.0, 1.0]
    x = np.array([*produced, *stock, *spare, *workers, *hired])
    assert_allclose(A @ x, 0, atol=4 * EPS * 2400)


def test_monomials_are_powers_of_the_chebyshev_points():
    A = _applications.monomial_basis(7, 3)
    theta = (2 * np.arange(7) + 1) * np.pi / 14
    chebyshev_3 = 4 * A[:, 3] - 3 * A[:, 1]
    assert_allclose(chebyshev_3, np.cos(3 * theta), atol=1e2 * EPS)


def test_legendre_polynomials_are_one_at_one():
    A = _applications.legendre_basis(11, 5)
    assert_array_equal(A[-1], 1)
    assert_allclose(A[:, 2], (3 * A[:, 1] ** 2 - 1) / 2, atol=8 * EPS)


@pytest.mark.parametrize(
    "name", ["stiffness", "mass", "wathen", "beam", "karate", "sensors"]
)
def test_symmetric_matrices_are_symmetric_to_the_last_bit_and_positive(name):
    A = dense(COLLECTION[name].load())
    assert_array_equal(A, A.T)
    np.linalg.cholesky(A)
