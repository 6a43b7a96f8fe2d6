"""What the gallery says of each family, against closed forms and mpmath."""

from __future__ import annotations

from itertools import pairwise
from math import comb, inf, prod, sqrt

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from condlab import gallery
from condlab.gallery import GALLERY
from tests.optional import mpmath

EPS = np.finfo(float).eps
EVERY = pytest.mark.parametrize("family", GALLERY.values(), ids=GALLERY)


def dense(A):
    return A.toarray() if sp.issparse(A) else A


def singular_values(A):
    """Singular values of the float matrix as it stands, to 40 digits."""
    with mpmath.workdps(40):
        values = mpmath.svd_r(mpmath.matrix(dense(A).tolist()), compute_uv=False)
        return sorted(values)


def exact_kappa(A):
    values = singular_values(A)
    return float(values[-1] / values[0]) if values[0] > 1e-30 * values[-1] else inf


def exact_inverse(A):
    with mpmath.workdps(60):
        return np.array((mpmath.matrix(A.tolist()) ** -1).tolist(), dtype=float)


@pytest.mark.parametrize(
    ("family", "n"),
    [
        pytest.param(family, n, id=f"{name}-{n}")
        for name, family in GALLERY.items()
        for n in (1, 2, 5, 8, 9)
        if family.kappa_2 and n >= family.smallest
    ],
)
def test_closed_form_condition_number_is_that_of_the_matrix(family, n):
    kappa = family.kappa_2(n)
    if kappa == inf:
        assert exact_kappa(family.make(n)) == inf
        return
    # entries are rounded: sigma_min moves by at most 4 n eps sigma_max
    rounding = 4 * n * EPS * kappa
    assert_allclose(exact_kappa(family.make(n)), kappa, rtol=rounding + 4 * EPS)


@EVERY
def test_size_is_the_number_of_columns_or_the_most_below_it(family):
    for n in (family.smallest, 12, 25):
        A = family.make(n)
        assert 0 < A.shape[1] <= n
        assert A.dtype == np.float64


@EVERY
def test_every_family_gives_the_same_matrix_again(family):
    assert_array_equal(dense(family.make(13)), dense(family.make(13)))


@EVERY
def test_too_small_a_size_is_refused_in_one_sentence(family):
    with pytest.raises(ValueError, match=f"at least {family.smallest}, got") as error:
        family.make(family.smallest - 1)
    assert "\n" not in str(error.value)


@EVERY
def test_every_family_says_what_is_known_and_who_said_it(family):
    assert family.known
    assert family.reference[-4:].isdigit() or "section" in family.reference


def test_gallery_is_read_only_and_keyed_by_name():
    assert all(name == family.name for name, family in GALLERY.items())
    with pytest.raises(TypeError):
        GALLERY["hilbert"] = None


def test_two_families_cannot_share_a_name():
    with pytest.raises(ValueError, match="same name"):
        gallery._keyed(GALLERY["hilbert"], GALLERY["hilbert"])


def test_hilbert_inverse_holds_the_known_integers():
    n = 9
    inverse = scipy.linalg.invhilbert(n, exact=True)
    kappa = exact_kappa(gallery.hilbert(n))
    assert_allclose(
        exact_inverse(gallery.hilbert(n)),
        inverse.astype(float),
        atol=n * EPS * kappa * float(abs(inverse).max()),
    )


def test_hilbert_condition_grows_as_the_asymptotic_law_says():
    with mpmath.workdps(60):
        exact = [
            mpmath.svd_r(mpmath.hilbert(n), compute_uv=False) for n in range(10, 13)
        ]
    kappas = [float(max(values) / min(values)) for values in exact]
    for n, (kappa, following) in enumerate(pairwise(kappas), start=10):
        law = (1 + sqrt(2)) ** 4 * sqrt(n / (n + 1))
        assert following / kappa == pytest.approx(law, rel=1 / n)


@pytest.mark.parametrize("theta", [0.3, 1.2])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_kahan_has_unit_columns_and_a_known_inverse(n, theta):
    A = gallery.kahan(n, theta=theta)
    assert_allclose(np.linalg.norm(A, axis=0), 1, rtol=4 * n * EPS)
    growth = ((1 + np.cos(theta)) / np.sin(theta)) ** (n - 1)
    inverse = exact_inverse(A)
    assert_allclose(abs(inverse).sum(axis=0).max(), growth, rtol=1e3 * n * EPS * growth)


def test_kahan_needs_an_angle_inside_the_quadrant():
    with pytest.raises(ValueError, match="theta must lie strictly in"):
        gallery.kahan(3, theta=2.0)


@pytest.mark.parametrize("n", [1, 2, 10, 40])
def test_unit_triangle_has_exactly_the_known_condition_number(n):
    A = gallery.unit_triangle(n)
    inverse = scipy.linalg.solve_triangular(A, np.eye(n), unit_diagonal=True)
    for p in (1, inf):  # all integers below 2^53: no rounding at all
        kappa = np.linalg.norm(A, p) * np.linalg.norm(inverse, p)
        assert kappa == n * 2.0 ** (n - 1)


@pytest.mark.parametrize("n", [2, 5, 9])
def test_vandermonde_inverse_has_gautschis_norm(n):
    nodes = np.linspace(0, 1, n)
    norm = max(prod((1 + y) / abs(x - y) for y in nodes if y != x) for x in nodes)
    A = gallery.vandermonde(n)
    rounding = n * EPS * np.linalg.norm(A, 1) * norm
    assert_allclose(abs(exact_inverse(A)).sum(axis=0).max(), norm, rtol=rounding)


def test_vandermonde_determinant_is_the_product_of_differences():
    nodes = [-3.0, 0.5, 2.0, 7.0]
    differences = [y - x for i, x in enumerate(nodes) for y in nodes[i + 1 :]]
    A = gallery.vandermonde(4, nodes=nodes)
    rounding = 16 * EPS * np.linalg.cond(A)
    assert_allclose(np.linalg.det(A), prod(differences), rtol=rounding)


def test_vandermonde_on_the_unit_circle_is_perfectly_conditioned():
    A = gallery.vandermonde(16, nodes="unity")
    assert_allclose(np.linalg.svd(A, compute_uv=False), 4.0, rtol=1e3 * EPS)


def test_monomials_at_chebyshev_nodes_grow_as_gautschi_says():
    kappas = [
        np.linalg.cond(gallery.vandermonde(n, nodes="chebyshev")) for n in (10, 11)
    ]
    assert kappas[1] / kappas[0] == pytest.approx(1 + sqrt(2), rel=0.1)


def test_vandermonde_refuses_unknown_nodes_by_name():
    with pytest.raises(ValueError, match=r'"chebyshev".*got "gauss"'):
        gallery.vandermonde(3, nodes="gauss")


@pytest.mark.parametrize("mu", [1e-12, 1e-3, 2.0])
def test_lauchli_has_the_singular_values_of_its_docstring(mu):
    values = singular_values(gallery.lauchli(4, mu=mu))
    assert_allclose(np.array(values, float), [mu] * 3 + [sqrt(4 + mu**2)], rtol=1e-12)


@pytest.mark.parametrize("n", [2, 6, 11])
def test_frank_has_determinant_one_and_reciprocal_eigenvalues(n):
    with mpmath.workdps(60):
        A = mpmath.matrix(gallery.frank(n).tolist())
        assert mpmath.det(A) == pytest.approx(1, rel=1e-30)
        values = sorted(
            mpmath.re(value) for value in mpmath.eig(A, left=False, right=False)
        )
        pairs = [low * high for low, high in zip(values, reversed(values), strict=True)]
    assert_allclose(np.array(pairs, float), 1, rtol=1e-12)


@pytest.mark.parametrize("make", [gallery.moler, gallery.pascal])
@pytest.mark.parametrize("n", [1, 2, 8])
def test_integer_families_have_determinant_one(make, n):
    with mpmath.workdps(60):
        assert mpmath.det(mpmath.matrix(make(n).tolist())) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("n", [1, 5, 12])
def test_moler_is_the_gram_matrix_of_the_unit_triangle(n):
    U = gallery.unit_triangle(n)
    assert_array_equal(gallery.moler(n), U.T @ U)  # integers: exact


@pytest.mark.parametrize("n", [8, 9, 10])
def test_moler_smallest_eigenvalue_falls_by_four(n):
    smallest = [singular_values(gallery.moler(k))[0] for k in (n, n + 1)]
    assert float(smallest[0] / smallest[1]) == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("n", [2, 5, 12])
def test_lehmer_inverse_is_tridiagonal_and_kappa_between_its_bounds(n):
    A = gallery.lehmer(n)
    inverse, kappa = exact_inverse(A), exact_kappa(A)
    beyond = np.triu(inverse, 2)
    assert abs(beyond).max() <= n * EPS * kappa * abs(inverse).max()
    assert n <= kappa <= 4 * n**2


@pytest.mark.parametrize("n", [1, 4, 8])
def test_pascal_holds_binomials_and_kappa_is_the_square_of_the_norm(n):
    A = gallery.pascal(n)
    assert A.tolist() == [[comb(i + j, i) for j in range(n)] for i in range(n)]
    values = singular_values(A)
    assert float(values[-1] ** 2) == pytest.approx(exact_kappa(A), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 30])
def test_min_ij_inverse_is_the_second_difference(n):
    second_difference = dense(gallery.tridiagonal_toeplitz(n))
    second_difference[-1, -1] = 1
    assert_array_equal(gallery.min_ij(n) @ second_difference, np.eye(n))  # exact


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


@pytest.mark.parametrize("shape", [(5, 5), (9, 5), (5, 9), (1, 1), (4, 1)])
def test_random_matrix_has_the_singular_values_asked_for(shape):
    spectrum = np.geomspace(1, 1e-10, min(shape))
    A = gallery.with_singular_values(
        spectrum, rng=np.random.default_rng(0), shape=shape
    )
    assert A.shape == shape
    values = np.array(singular_values(A)[::-1], float)
    assert_allclose(values, spectrum, atol=4 * max(shape) * EPS)


@pytest.mark.parametrize("spectrum", [[3.0], [1, 1, 1], [4, 0, 1e-9], [1e200, 1e-200]])
def test_random_spd_matrix_has_the_eigenvalues_asked_for(spectrum):
    A = gallery.with_eigenvalues(spectrum, rng=np.random.default_rng(1))
    assert_array_equal(A, A.T)
    rounding = 4 * len(spectrum) * EPS * max(spectrum)
    assert_allclose(np.linalg.eigvalsh(A), np.sort(spectrum), atol=rounding)


def test_haar_columns_are_uniform_on_the_circle():
    rng = np.random.default_rng(0)
    angles = []
    for _ in range(2000):
        x, y = gallery.haar_columns(2, 2, rng=rng)[:, 1]
        angles.append(np.arctan2(y, x))
    quarters, _ = np.histogram(angles, bins=4, range=(-np.pi, np.pi))
    # binomial(2000, 1/4): five standard deviations of 19; LAPACK's own signs fail it
    assert abs(quarters - 500).max() < 5 * sqrt(2000 * 3 / 16)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: gallery.with_singular_values([1, -1], rng=rng), "non-negative"),
        (lambda rng: gallery.with_singular_values([], rng=rng), "non-empty 1-D"),
        (lambda rng: gallery.with_eigenvalues([[1.0]], rng=rng), "1-D array, got"),
        (lambda rng: gallery.with_eigenvalues([np.nan], rng=rng), "finite"),
        (
            lambda rng: gallery.with_singular_values([1, 2], rng=rng, shape=(3, 3)),
            "has 3 singular values, got 2",
        ),
        (lambda rng: gallery.haar_columns(2, 3, rng=rng), "at most 2 columns"),
    ],
)
def test_bad_spectra_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))


@pytest.mark.parametrize(("m", "n"), [(1, 1), (4, 3), (9, 4), (50, 2)])
def test_repeated_row_is_the_root_of_its_repeats_above_the_best(m, n):
    A = gallery.repeated_row(m, n)
    assert_allclose(np.linalg.norm(A, axis=1), 1)
    assert_allclose(np.linalg.cond(A), sqrt(m - n + 1), rtol=1e2 * EPS)
    D = np.ones(m)
    D[n - 1 :] = 1 / sqrt(m - n + 1)
    assert_allclose(np.linalg.cond(D[:, None] * A), 1, rtol=1e2 * EPS)


@pytest.mark.parametrize("m", [2, 3, 8, 50])
def test_nearly_parallel_rows_are_root_half_m_above_a_better_scaling(m):
    A = gallery.nearly_parallel_rows(m)
    assert_allclose(np.linalg.norm(A, axis=1), 1, rtol=4 * EPS)
    better = gallery.nearly_parallel_scaling(m).apply(A)
    ratio = np.linalg.cond(A) / np.linalg.cond(better)
    assert 0.999 * sqrt(m / 2) < ratio <= sqrt(m / 2)


@pytest.mark.parametrize("n", [2, 3, 8, 12])
def test_nearly_parallel_gram_is_half_n_above_a_better_scaling(n):
    A = gallery.nearly_parallel_gram(n)
    assert_array_equal(np.diagonal(A), 1)
    weights = gallery.nearly_parallel_scaling(n).left
    ratio = exact_kappa(A) / exact_kappa(weights[:, None] * A * weights)
    assert 0.998 * n / 2 < ratio <= n / 2 * (1 + 1e-4)  # kappa 1e10 n: rounding 1e-5


@pytest.mark.parametrize("n", [2, 3, 4, 7])
@pytest.mark.parametrize("weight", [1.0, 0.01, 2e-3])
def test_weighted_gram_condition_number_is_in_closed_form(n, weight):
    rows = gallery.nearly_parallel_rows(n, pair_angle=1e-3, angle=0.3)
    rows[2:] *= weight
    kappa = gallery.extremal.nearly_parallel_gram_kappa_2(
        n, pair_angle=1e-3, angle=0.3, weight=weight
    )
    rounding = 4 * n * EPS * sqrt(kappa)
    assert_allclose(exact_kappa(rows), sqrt(kappa), rtol=rounding + 4 * EPS)


def test_gram_family_is_the_gram_matrix_of_the_rows():
    rows = gallery.nearly_parallel_rows(6, pair_angle=0.1, angle=0.4)
    gram = gallery.nearly_parallel_gram(6, pair_angle=0.1, angle=0.4)
    assert_allclose(rows @ rows.T, gram, rtol=4 * EPS)


def test_nearly_parallel_families_refuse_angles_in_the_wrong_order():
    with pytest.raises(ValueError, match="0 < pair_angle < angle"):
        gallery.nearly_parallel_rows(4, pair_angle=0.2, angle=0.1)
