"""Banded, graded and Wathen matrices, against closed forms and quadrature."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from condlab import gallery
from tests.gallery.multiprecision import EPS, dense, singular_values


@pytest.mark.parametrize("width", [0.1, 0.25, 0.4])
def test_prolate_eigenvalues_lie_strictly_between_zero_and_one(width):
    values = singular_values(gallery.prolate(8, width=width))
    assert values[0] > 0
    assert values[-1] < 1


def test_prolate_needs_a_width_below_one_half():
    with pytest.raises(ValueError, match="width must lie"):
        gallery.prolate(3, width=0.5)


def test_prolate_diagonal_is_twice_the_width():
    assert_allclose(np.diagonal(gallery.prolate(5, width=0.1)), 0.2, rtol=EPS)


@pytest.mark.parametrize("n", [1, 3, 20, 200])
def test_grcar_stays_well_conditioned(n):
    A = gallery.grcar(n)
    assert np.linalg.cond(A) < 4
    assert A.sum() == n - (n - 1) + sum(max(n - k, 0) for k in (1, 2, 3))


@pytest.mark.parametrize("n", [1, 2, 7, 12])
def test_clement_has_equally_spaced_eigenvalues(n):
    values = np.linalg.eigvalsh(gallery.clement(n))
    assert_allclose(values, np.arange(1 - n, n, 2), atol=4 * n * n * EPS)


def test_tridiagonal_toeplitz_has_the_eigenvalues_of_its_docstring():
    n, lower, diagonal, upper = 6, 0.5, 3.0, 2.0
    A = gallery.tridiagonal_toeplitz(n, lower=lower, diagonal=diagonal, upper=upper)
    angles = np.arange(n, 0, -1) * np.pi / (n + 1)
    known = diagonal + 2 * sqrt(lower * upper) * np.cos(angles)
    assert_allclose(np.sort(np.linalg.eigvals(dense(A)).real), known, rtol=1e3 * EPS)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_laplacian_2d_couples_only_neighbours_of_the_grid(n):
    A = dense(gallery.laplacian_2d(n))
    i, j = np.divmod(np.arange(n * n), n)
    distance = abs(np.subtract.outer(i, i)) + abs(np.subtract.outer(j, j))
    assert_array_equal(A, np.select([distance == 0, distance == 1], [4.0, -1.0], 0.0))


@pytest.mark.parametrize("n", [1, 2, 9])
def test_jacobi_takes_graded_to_a_condition_number_below_three(n):
    A = gallery.graded(n)
    root = np.sqrt(np.diagonal(A))
    c = np.cos(np.pi / (n + 1))
    kappa = np.linalg.cond(A / np.outer(root, root))
    assert_allclose(kappa, (2 + c) / (2 - c), rtol=1e2 * n * EPS)
    assert kappa < 3


@pytest.mark.parametrize("n", [2, 9, 50])
def test_jacobi_takes_arrow_to_the_known_condition_number(n):
    A = gallery.arrow(n)
    root = np.sqrt(np.diagonal(A))
    r = sqrt(1 - 1 / n)
    kappa = (1 + r) / (1 - r)
    scaled = np.linalg.cond(A / np.outer(root, root))
    assert_allclose(scaled, kappa, rtol=4 * n * EPS * kappa)


def serendipity_mass_matrix():
    """The mass matrix of the reference square [-1, 1]^2 by Gauss's rule."""
    corners = [(1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0)]
    points, weights = np.polynomial.legendre.leggauss(4)  # exact to degree 7
    mass = np.zeros((8, 8))
    for x, wx in zip(points, weights, strict=True):
        for y, wy in zip(points, weights, strict=True):
            shape = np.array([serendipity(x, y, a, b) for a, b in corners])
            mass += wx * wy * np.outer(shape, shape)
    return mass


def serendipity(x, y, a, b):
    if a == 0:
        return (1 - x * x) * (1 + b * y) / 2
    if b == 0:
        return (1 - y * y) * (1 + a * x) / 2
    return (1 + a * x) * (1 + b * y) * (a * x + b * y - 1) / 4


class UnitDensity:
    """Stands in for a generator and makes every density 100."""

    def random(self, size):
        return np.zeros(size)


def test_one_wathen_element_is_the_mass_matrix_by_quadrature():
    A = dense(gallery.wathen(1, 1, rng=UnitDensity())) / 100
    nodes = gallery.structured._serendipity_nodes(1, 1)[0]
    assert_allclose(A[np.ix_(nodes, nodes)], serendipity_mass_matrix(), rtol=1e2 * EPS)


def test_wathen_elements_share_the_nodes_of_their_common_edge():
    nodes = gallery.structured._serendipity_nodes(2, 2)
    shared = [set(nodes[0]) & set(other) for other in nodes[1:]]
    assert [len(s) for s in shared] == [3, 3, 1]  # right, above, diagonal
    assert set(nodes.ravel()) == set(range(21))


@pytest.mark.parametrize("seed", range(3))
def test_wathen_eigenvalues_obey_his_bounds_after_jacobi(seed):
    A = dense(gallery.wathen(4, 5, rng=np.random.default_rng(seed)))
    root = np.sqrt(np.diagonal(A))
    values = np.linalg.eigvalsh(A / np.outer(root, root))
    rounding = len(A) * EPS * values[-1]
    assert 0.25 - rounding <= values[0]
    assert values[-1] <= 4.5 + rounding
