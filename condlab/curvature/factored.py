"""The extreme sizes of eigenvalues from one factorisation, without the whole spectrum.

LDL' of the matrix says how many eigenvalues are negative, and solves with it: inverse
Lanczos finds the eigenvalues nearest to zero. Two more, of A - d I and A + d I, count
the eigenvalues in between, and only such a count says for certain that there are none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy.linalg import blas, lapack
from torch import Tensor

from condlab.curvature._certain import ZERO
from condlab.machine.precision import wide
from condlab.spectra._dense import SAFETY, assembled, rounding
from condlab.spectra._products import Products
from condlab.spectra.brackets.extremes import probable
from condlab.spectra.brackets.intervals import Spectrum
from condlab.spectra.lanczos.block_lanczos import block_lanczos
from condlab.spectra.lanczos.krylov import Basis

OUTER, INNER = 200, 40  # products for the largest, and solves for the smallest
PANEL = 64  # columns that LAPACK factors together
HELD = 80  # vectors of a basis
CONVERGED = 1e-6  # residual over the largest Ritz value
WITHIN = 1e-3  # the count looks this much nearer to zero than what was found


@dataclass(frozen=True, slots=True)
class Factored:
    """What is known of a matrix off its predicted null directions.

    Parameters
    ----------
    rest : Spectrum
        Some Ritz pairs at both ends and nearest to zero.
    low, high : float
        No eigenvalue is outside, for certain.
    smallest : float
        No |eigenvalue| is below, for certain; 0 where they were not counted.
    probably : float
        No |eigenvalue| is below, except with probability `rest.probable.failure`.
    negative : int
        Eigenvalues below zero.
    """

    rest: Spectrum
    low: float
    high: float
    smallest: float
    probably: float
    negative: int


def factored(
    H: Products, N: Tensor, leak: float, *, counted: bool, generator: torch.Generator
) -> Factored | None:
    """Return what LDL' tells, or None where that is not enough.

    It is not where the matrix is singular off N, or tiny: there all eigenvalues are
    wanted.
    """
    A, gap = assembled(H)
    n, r = N.shape
    if n - r < 4:
        return None
    outer = block_lanczos(
        Basis(H, HELD, 1, generator, N), num_matvecs=H.count + OUTER, rtol=1e-8
    )
    size = float(A.norm())
    N = wide(N)
    A.addmm_(N, N.T, alpha=size / math.sqrt(n))  # the nulls among the others
    half = Half(A, A.diagonal().clone())
    solver = Solver.of(A)
    if solver is None:
        return None
    inverse = Products(solver)
    inner = block_lanczos(
        Basis(inverse, HELD, 1, generator, N),
        num_matvecs=INNER,  # all of them: the probable bound needs their degree
    )
    noise = rounding(H, outer.peak) + SAFETY * (gap + solver.gap(half))
    rest = _ritz(half, outer, inner, noise, H)
    if _singular(rest, leak):
        return None
    low, high = _outside(outer, size, noise)
    scale = H.scale
    if counted:
        low, high = _pinned(half, low, high, float(rest.values.abs().max()) / scale)
    return Factored(
        rest,
        low * scale - leak,
        high * scale + leak,
        _counted(half, solver.negative, rest, noise, leak) if counted else 0.0,
        max(_probably(inner) * scale - noise * scale - leak, 0.0),
        solver.negative,
    )


@dataclass(frozen=True, slots=True)
class Half:
    """Symmetric matrix, of which only the part below its diagonal is sure to be there.

    LAPACK reads and writes one triangle. On a CPU its factors take the other one, and
    the diagonal, which is kept apart: a copy of A takes a tenth of the time that they
    take.
    """

    square: Tensor
    diagonal: Tensor

    def __matmul__(self, X: Tensor) -> Tensor:
        """Return the product with a matrix of columns."""
        factors = self.square.diagonal().clone()
        self.square.diagonal().copy_(self.diagonal)
        if self.square.device.type == "cpu":
            Y = torch.from_numpy(blas.dsymm(1.0, self.square.numpy().T, X.numpy()))
        else:
            Y = self.square @ X
        self.square.diagonal().copy_(factors)
        return Y

    def shifted(self, by: float, sign: int = 1) -> Tensor:
        """Return the matrix times a sign, shifted: a square, right below its top."""
        B = self.square * sign
        B.diagonal().copy_(sign * self.diagonal + by)
        return B


@dataclass(frozen=True, slots=True)
class Solver:
    """Products with the inverse of a symmetric matrix, by Bunch and Kaufman's LDL'."""

    factors: Tensor
    pivots: Tensor
    negative: int

    @classmethod
    def of(cls, A: Tensor) -> Solver | None:
        """Return the solver, or None where a pivot is zero.

        On a CPU the factors take the place of A on its diagonal and above.
        """
        factors, pivots, info = _ldl(A, lower=1)
        if info:
            return None
        return cls(factors, pivots, _negative(factors, pivots))

    @property
    def shape(self) -> tuple[int, int]:
        """Return (n, n)."""
        return (len(self.factors), len(self.factors))

    @property
    def dtype(self) -> torch.dtype:
        """Return that of the matrix."""
        return self.factors.dtype

    @property
    def device(self) -> torch.device:
        """Return that of the matrix."""
        return self.factors.device

    def __matmul__(self, B: Tensor) -> Tensor:
        """Return the solution, shape (n, k)."""
        return torch.linalg.ldl_solve(self.factors, self.pivots, B)

    def gap(self, A: Half) -> float:
        """Return how far the factors are off A, in a random direction."""
        generator = torch.Generator().manual_seed(2)
        n, d = len(A.diagonal), A.diagonal
        b = torch.randn(n, 1, generator=generator, dtype=torch.float64).to(d)
        x = self @ b
        return float((A @ x - b).norm() / x.norm())


def _ldl(A: Tensor, lower: int) -> tuple[Tensor, Tensor, int]:
    """Return factors as LAPACK's sytrf packs them, its pivots, and whether it failed.

    On a CPU they take the place of A in LAPACK's lower triangle, or its upper one, and
    SciPy's OpenBLAS takes two thirds of the time of the MKL that torch has.
    """
    if A.device.type != "cpu":
        factors, pivots, info = torch.linalg.ldl_factor_ex(A)
        return factors, pivots, int(info)
    room = max(PANEL * len(A), 1)
    L, p, info = lapack.dsytrf(A.numpy().T, lower=lower, lwork=room, overwrite_a=1)
    return torch.from_numpy(L), torch.from_numpy(p), int(info)


def _negative(factors: Tensor, pivots: Tensor) -> int:
    """Return the negative eigenvalues of D, whose blocks of two have one each."""
    paired = pivots < 0
    return int((factors.diagonal()[~paired] < 0).sum()) + int(paired.sum()) // 2


def _ritz(A: Half, outer: Basis, inner: Basis, noise: float, H: Products) -> Spectrum:
    """Return Ritz pairs of the ends and of what is nearest to zero, of A itself."""
    ends = outer.ritz().coefficients
    columns = ends[:, [0, -1]] if outer.k > 1 else ends
    pairs = inner.ritz()
    near = pairs.values.abs().argsort(descending=True)[:3]
    C = pairs.coefficients[:, near]
    # one more solve takes out what is left of the large ones, which residuals of A see
    inside = inner.H @ inner.combined(C)
    outside = wide(outer.combined(columns))
    inside = inside / inside.norm(dim=0)
    Y = torch.linalg.qr(torch.cat([outside, inside], dim=1))[0]
    W = A @ Y
    T = Y.T @ W
    values, S = torch.linalg.eigh((T + T.T) / 2)
    off = (W @ S - (Y @ S) * values).norm(dim=0) + noise
    scale, count = H.scale, H.count
    values, off = values.cpu() * scale, off.cpu() * scale
    guess = probable(values, noise * scale, outer)
    return Spectrum(values, off, noise * scale, False, outer.rank, count, "ldl", guess)


def _singular(rest: Spectrum, leak: float) -> bool:
    """Return whether an eigenvalue cannot be told from zero."""
    noise = rest.noise + leak
    near = rest.values.abs().argmin()
    return bool(rest.values[near].abs() <= ZERO * (noise + rest.radii[near]))


def _outside(outer: Basis, size: float, noise: float) -> tuple[float, float]:
    """Return certain bounds of all eigenvalues, from the Frobenius norm.

    What is left beyond Ritz pairs that have converged has the Frobenius norm of the
    matrix less theirs, and Weyl's theorem puts the two parts together again.
    """
    pairs, scale = outer.ritz(), outer.H.scale
    values, off = pairs.values / scale, pairs.residuals / scale
    good = off <= CONVERGED * values.abs().max()
    coupling = float(off[good].norm())
    squares = size**2 - float(values[good].square().sum()) - 2 * coupling**2
    left = math.sqrt(max(squares, 0.0) + len(values) * 1e-15 * size**2)
    low, high = min(float(values[0]), -left), max(float(values[-1]), left)
    return low - coupling - noise, high + coupling + noise


def _pinned(A: Half, low: float, high: float, top: float) -> tuple[float, float]:
    """Return tighter bounds of all |eigenvalues| where Cholesky can show them."""
    most = top * (1 + CONVERGED)
    for sign, end in ((-1, -low), (1, high)):
        if end > (1 + WITHIN) * top:
            if not _definite(A.shifted(most, -sign)):
                continue  # it may be no more than rounding that fails
            slack = len(A.diagonal) * torch.finfo(torch.float64).eps * most
            low, high = (-most - slack, high) if sign < 0 else (low, most + slack)
    return low, high


def _definite(B: Tensor) -> bool:
    """Return whether Cholesky's factor, in place of B, is real: of what is below."""
    if B.device.type != "cpu":
        return not int(torch.linalg.cholesky_ex(B)[1])
    return lapack.dpotrf(B.numpy().T, lower=0, clean=0, overwrite_a=1)[1] == 0


def _counted(
    A: Half, negative: int, rest: Spectrum, noise: float, leak: float
) -> float:
    """Return a lower bound of all |eigenvalues|, from two counts; 0 if they differ."""
    scale = rest.noise / noise
    near = rest.values.abs().argmin()
    d = float(rest.values[near].abs() - rest.radii[near]) / scale * (1 - WITHIN)
    for shift in (-d, d):
        factors, pivots, info = _ldl(A.shifted(shift), lower=0)
        if info or _negative(factors, pivots) != negative:
            return 0.0
    return max(d * scale - rest.noise - leak, 0.0)


def _probably(inner: Basis) -> float:
    """Return the random-start bound of the smallest |eigenvalue|."""
    if inner.complete:
        return 0.0
    guess = probable(inner.ritz().values, 0.0, inner)
    most = max(-guess.lambda_min.lower, guess.lambda_max.upper)
    return 1 / most if most > 0 else 0.0
