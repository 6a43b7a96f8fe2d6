"""Claims about a convolution's matrix and the operator that it stands for.

A kernel with k taps is held as the c_out x (c_in k) matrix A that is equilibrated and
spectrally normalised in practice. With circular padding the operator's singular values
are those of the blocks sum_t K_t exp(-2 pi i f t / n), one for each frequency f. Here
signals have n = 2 points and kernels k = 2 taps: the two blocks, K_0 + K_1 and
K_0 - K_1, are real. Channels are c_out = c_in = the size.

One channel has a single row to scale.
"""

from __future__ import annotations

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import claim
from condlab.theory.references.networks import (
    CONV_SINGULAR_VALUES,
    SPECTRAL_NORM,
    TSUZUKU,
    WEIGHT_CONDITIONING,
)
from condlab.theory.strategies import has_full_rank, st


def _blocks(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return K_0 + K_1 and K_0 - K_1 of a matrix with columns (channel, tap)."""
    return A[:, ::2] + A[:, 1::2], A[:, ::2] - A[:, 1::2]


def _values(A: Balls) -> list[Ball]:
    return [value for block in _blocks(A) for value in balls.singular_values(block)]


def _kappa(A: Balls) -> Ball:
    values = _values(A)
    return balls.maximum(values) / balls.minimum(values)


def _invertible(A: np.ndarray) -> bool:
    return all(has_full_rank(block) for block in _blocks(A))


def _kernels(size: int) -> strategies.Matrices:
    """Draw kernels whose operator is invertible."""
    shape = (size, 2 * size)
    kinds = st.one_of(
        strategies.small_integers(*shape),
        strategies.powers_of_two(*shape, exponent=4),
        strategies.graded(*shape),
    )
    return kinds.filter(_invertible)


@claim(
    "wc-conv",
    WEIGHT_CONDITIONING.at("Theorem 5.1, supplement"),
    _kernels,
    latex=r"\kappa_2(\mathrm{conv}(EA)) \le \kappa_2(\mathrm{conv}(A))",
    note="It is Theorem 5.1 for the operator (see wc-conv-operator-rows). Two "
    "channels are two rows, but the operator has two blocks, so that the scaling that "
    "is best for a matrix of two rows is not best here.",
    false_from=2,
)
def conv(A: Balls) -> Sides:
    """Equilibrating the rows of a convolution's matrix does not raise the condition
    number of the convolution with circular padding."""
    return _kappa(balls.unit_rows(A)), _kappa(A)


@claim(
    "wc-conv-operator",
    WEIGHT_CONDITIONING.at("Theorem 5.1, supplement"),
    _kernels,
    latex=r"\kappa_2(\mathrm{conv}(EA)) \le \kappa_2(EA)",
    note="A single channel's matrix has condition number 1, its operator that of the "
    "kernel's spectrum: equilibration conditions the matrix alone.",
    false_from=1,
)
def conv_operator(A: Balls) -> Sides:
    """The convolution with an equilibrated matrix is as well conditioned as
    the matrix."""
    return _kappa(balls.unit_rows(A)), balls.kappa(balls.unit_rows(A))


@claim(
    "wc-conv-operator-corrected",
    CONV_SINGULAR_VALUES.at("Theorem 6"),
    _kernels,
    latex=r"\kappa_2(A) \le \kappa_2(\mathrm{conv}(A))",
    admits=_invertible,
    note="By Parseval's identity A A' is the mean of the blocks times their adjoints.",
)
def conv_operator_corrected(A: Balls) -> Sides:
    """A convolution with circular padding is at least as ill conditioned as
    its matrix."""
    return balls.kappa(A), _kappa(A)


def _operator(A: Balls, n: int) -> Balls:
    """Return the operator's matrix, rows (channel, point), on signals of n points."""
    zero = balls.arb(0)
    rows = []
    for row in A:
        taps = row.reshape(-1, 2)
        line = [[*tap, *[zero] * (n - 2)] for tap in taps]
        rows += [[x for tap in line for x in np.roll(tap, s)] for s in range(n)]
    return np.array(rows)


def _any_kernel(size: int) -> strategies.Matrices:
    """Draw kernels of any rank whose larger number of channels is the size."""
    shapes = [(m, size) for m in range(1, size + 1)]
    shapes += [(size, n) for n in range(1, size)]
    return st.one_of([strategies.matrices(m, 2 * n) for m, n in shapes])


@claim(
    "wc-conv-operator-rows",
    CONV_SINGULAR_VALUES.at("section 2"),
    lambda size: st.tuples(_any_kernel(size), st.integers(2, 4)),
    latex=r"\mathrm{conv}(EA) = E \, \mathrm{conv}(A)",
    note="For columns this is not so: a column of the matrix is one tap of a channel, "
    "a column of the operator all of them.",
)
def conv_operator_rows(A: Balls, n: int) -> Sides:
    """Equilibrating the rows of a convolution's matrix equilibrates the rows of its
    operator with circular padding."""
    return balls.equal(
        _operator(balls.unit_rows(A), n), balls.unit_rows(_operator(A, n))
    )


def _norm(A: Balls) -> Ball:
    return balls.maximum(_values(A))


@claim(
    "norm-spectral-conv",
    SPECTRAL_NORM.at("section 2.1"),
    _kernels,
    latex=r"\|\mathrm{conv}(A)\|_2 = \|A\|_2",
    note="Dividing by the matrix's norm does not make the layer 1-Lipschitz.",
    false_from=1,
)
def spectral_conv(A: Balls) -> Sides:
    """The spectral norm of a convolution's matrix is that of the convolution with
    circular padding."""
    return balls.equal(_norm(A), balls.norm(A, 2))


@claim(
    "norm-spectral-conv-lower",
    CONV_SINGULAR_VALUES.at("Theorem 6"),
    _kernels,
    latex=r"\|A\|_2 \le \|\mathrm{conv}(A)\|_2",
    admits=_invertible,
)
def spectral_conv_lower(A: Balls) -> Sides:
    """The spectral norm of a convolution's matrix is at most that of the convolution
    with circular padding."""
    return balls.norm(A, 2), _norm(A)


@claim(
    "norm-spectral-conv-upper",
    TSUZUKU,
    _kernels,
    latex=r"\|\mathrm{conv}(A)\|_2 \le \sqrt{k} \, \|A\|_2",
    admits=_invertible,
)
def spectral_conv_upper(A: Balls) -> Sides:
    """The spectral norm of a convolution with circular padding is at most the root of
    the number of taps times that of its matrix."""
    return _norm(A), balls.arb(2).sqrt() * balls.norm(A, 2)
