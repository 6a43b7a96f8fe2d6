"""Twenty kinds of random matrices, small and awkward, for tests of certain numbers."""

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp


def gaussian(n, rng):
    return rng.standard_normal((n, n))


def small_integers(n, rng):
    return rng.integers(-3, 4, (n, n)).astype(float)


def large_integers(n, rng):
    return rng.integers(-(2**40), 2**40, (n, n)).astype(float)


def units(n, rng, decades):
    return 10.0 ** rng.uniform(-decades, decades, n)


def graded_rows(n, rng):
    return units(n, rng, 8)[:, None] * gaussian(n, rng)


def graded_columns(n, rng):
    return gaussian(n, rng) * units(n, rng, 8)


def graded_both(n, rng):
    return units(n, rng, 10)[:, None] * gaussian(n, rng) * units(n, rng, 10)


def kahan(n, rng):
    s = rng.uniform(0.1, 1.0)
    c = np.sqrt(1 - s * s)
    return s ** np.arange(n)[:, None] * (np.eye(n) - c * np.triu(np.ones((n, n)), 1))


def cauchy(n, rng):
    x, y = np.arange(1, n + 1), np.arange(n)
    return 1.0 / (x[:, None] + y + rng.integers(0, 3))


def vandermonde(n, rng):
    return np.vander(rng.uniform(0.5, 1.5, n))


def companion(n, rng):
    return sl.companion(np.append(1.0, rng.integers(-9, 10, n))) if n > 1 else np.eye(1)


def toeplitz(n, rng):
    return sl.toeplitz(rng.integers(-4, 5, n), rng.integers(-4, 5, n)).astype(float)


def nearly_singular(n, rng):
    U, V = (np.linalg.qr(gaussian(n, rng))[0] for _ in range(2))
    return U * np.geomspace(1, 10 ** -rng.uniform(10, 18), n) @ V


def rank_deficient(n, rng):
    r = max(n - 1, 1)
    A = rng.integers(-3, 4, (n, r)) @ rng.integers(-3, 4, (r, n))
    return np.ldexp(A.astype(float), rng.integers(-40, 40, n)[:, None])


def rectangular(n, rng):
    A = rng.standard_normal((n, int(rng.integers(1, n + 3))))
    blurred = rng.random() < 0.5 and A.shape[1] > 1
    if blurred:  # nearly dependent columns
        A[:, -1] = A[:, 0] * (1 + 10 ** -rng.uniform(10, 16) * rng.standard_normal(n))
    return A


def complex_entries(n, rng):
    A = gaussian(n, rng) + 1j * gaussian(n, rng)
    return A * units(n, rng, rng.choice([0, 7]))


def single_precision(n, rng):
    return (gaussian(n, rng) * units(n, rng, 3)).astype(np.float32)


def sparse(n, rng):
    A = sp.random_array((n, n), density=0.4, rng=rng, data_sampler=rng.standard_normal)
    return (A + sp.diags_array(rng.choice([-1.0, 1e-9, 1.0], n))).tocsr()


def orthogonal_times_diagonal(n, rng):
    return np.linalg.qr(gaussian(n, rng))[0] * units(n, rng, 12)


def tiny_or_huge(n, rng):
    exponent = int(rng.choice([-1060, -1000, 990]))
    return np.ldexp(gaussian(n, rng) * units(n, rng, 4), exponent)


def spanning_all_floats(n, rng):
    return gaussian(n, rng) * 10.0 ** rng.choice([-300, -200, 0, 200, 300], (n, n))


KINDS = [
    gaussian,
    small_integers,
    large_integers,
    graded_rows,
    graded_columns,
    graded_both,
    kahan,
    cauchy,
    vandermonde,
    companion,
    toeplitz,
    nearly_singular,
    rank_deficient,
    rectangular,
    complex_entries,
    single_precision,
    sparse,
    orthogonal_times_diagonal,
    tiny_or_huge,
    spanning_all_floats,
]
