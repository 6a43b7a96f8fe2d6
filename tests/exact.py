"""Condition numbers of stored matrices from exact rationals and 400-bit balls."""

import functools

import flint
import numpy as np
import scipy.sparse as sp

BITS = 400


def rational(x):
    return flint.fmpq(*float(x).as_integer_ratio())


def real_form(A):
    """Return [[Re, -Im], [Im, Re]] as exact rationals; A itself where it is real."""
    A = A.toarray() if sp.issparse(A) else np.asarray(A)
    if np.iscomplexobj(A):
        A = np.block([[A.real, -A.imag], [A.imag, A.real]])
    return flint.fmpq_mat(*A.shape, [rational(x) for x in A.ravel()])


class Exact:
    """The exact matrix and its inverse; every number is a ball, None for infinity."""

    def __init__(self, A):
        flint.ctx.prec = BITS
        self.is_complex = np.iscomplexobj(A)
        self.M = real_form(A)
        self.is_square = self.M.nrows() == self.M.ncols()

    @functools.cached_property
    def is_singular(self):
        return self.M.rank() < min(self.M.nrows(), self.M.ncols())

    @functools.cached_property
    def sizes(self):
        return self.absolute(self.M)

    @functools.cached_property
    def inverse_sizes(self):
        return self.absolute(self.M.inv())

    def absolute(self, M):
        """Return the matrix of |entries| as balls."""
        rows = M.tolist()
        if not self.is_complex:
            return flint.arb_mat([[abs(flint.arb(x)) for x in row] for row in rows])
        m, n = M.nrows() // 2, M.ncols() // 2
        squares = [[rows[i][j] ** 2 + rows[i][n + j] ** 2 for j in range(n)]
                   for i in range(m)]  # fmt: skip
        return flint.arb_mat([[flint.arb(x).sqrt() for x in row] for row in squares])

    def cond(self, p):
        if self.is_singular:
            return None
        if p in (2, "fro"):
            return self.spectral if p == 2 else self.frobenius
        if p == "skeel":
            return norm(self.inverse_sizes * self.sizes, "inf")
        return norm(self.sizes, p) * norm(self.inverse_sizes, p)

    @functools.cached_property
    def squared_values(self):
        """The squares of the singular values, ascending."""
        M = self.M
        G = M.transpose() * M if M.nrows() >= M.ncols() else M * M.transpose()
        flint.ctx.prec = 6000  # the roots are isolated, but not to relative accuracy
        roots = [(root.real, k) for root, k in G.charpoly().complex_roots()]
        flint.ctx.prec = BITS
        values = [+root for root, k in roots for _ in range(k)]
        return sorted(values, key=float_of)[:: 1 + self.is_complex]

    @functools.cached_property
    def spectral(self):
        return (self.squared_values[-1] / self.squared_values[0]).sqrt()

    @functools.cached_property
    def frobenius(self):
        squares = self.squared_values
        return (sum(squares) * sum(1 / s for s in squares)).sqrt()

    def bauer(self, side, p):
        """Return Bauer's number; a pair of bounds of it for both sides."""
        if self.is_singular:
            return None, None
        T = self.inverse_sizes * self.sizes
        if side == "both":
            return spectral_radius(T)
        T = T if side == "left" else self.sizes * self.inverse_sizes
        return (norm(T, p),) * 2


def float_of(ball):
    """Return an approximate logarithm, to sort by beyond the range of floats."""
    return float(ball.log()) if ball > 0 else -np.inf


def norm(T, p):
    rows = T.tolist() if p == "inf" else T.transpose().tolist()
    return largest([sum(row) for row in rows])


def largest(balls):
    return functools.reduce(lambda a, b: a.max(b), balls)


def spectral_radius(T):
    """Bound the spectral radius of a nonnegative matrix, as its powers do."""
    n, squarings, exponent = T.nrows(), 60, flint.arb(0)
    for _ in range(squarings):
        T = T * T
        size = norm(T, "inf")
        T, exponent = T * (1 / size).mid(), 2 * exponent + size.log()
    k = flint.arb(2) ** squarings
    trace = sum(T.tolist()[i][i] for i in range(n))
    low = (exponent + (trace / n).log()) / k if trace > 0 else flint.arb("-inf")
    return low.exp(), ((exponent + norm(T, "inf").log()) / k).exp()
