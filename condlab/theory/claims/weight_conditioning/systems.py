"""Claims of "Weight conditioning ...", equation 13: the preconditioned objective.

Section 4 puts PA in place of A, in the objective x'Ax/2 - b'x and in Ax = b, and says
that this is solved faster. P is row equilibration E here.

EA is not symmetric, so the gradient of x'EAx/2 - b'Ex is not EAx - Eb: the objective
has another stationary point than the system, or no minimum at all. The iteration
x - eta (EAx - Eb) has the right limit, and its speed is that of E^1/2 A E^1/2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Balls, Sides
from condlab.theory.claims.weight_conditioning.descent import nonzero_vectors
from condlab.theory.formula import claim
from condlab.theory.references.networks import WEIGHT_CONDITIONING as SOURCE
from condlab.theory.strategies import has_full_rank, is_spd, st
from condlab.theory.vocabulary.rivals import readable, well_scaled


def _symmetric_part(A: Balls) -> Balls:
    return (A + A.T) / 2


def _systems(matrices: Callable[[int], strategies.Matrices]) -> Callable:
    return lambda n: st.tuples(matrices(n), nonzero_vectors(n))


@claim(
    "wc-left-precondition-solution-objective",
    SOURCE.at("Equation 13"),
    _systems(strategies.spd),
    latex=r"\nabla\left(\tfrac12 x^T EAx - (Eb)^Tx\right) = 0\ \text{at}\ A^{-1}b",
    note="The gradient is (EA + A'E)x/2 - Eb. At size 1, EA is symmetric.",
    false_from=2,
)
def left_precondition_solution_objective(A: Balls, solution: Balls) -> Sides:
    """For a symmetric positive definite matrix A, row equilibration E and Ax = b, x is
    stationary for x'EAx/2 - (Eb)'x."""
    # The gradient is the symmetric part of EA times x, less Eb
    EA = balls.unit_rows(A)
    return balls.equal(_symmetric_part(EA) @ solution, EA @ solution)


def _same(found: Balls, expected: Balls) -> Sides:
    return balls.equal(found, expected, scale=1 + balls.norm_fro(expected))


def _multipliers(A: Balls) -> Balls:
    return 1 / balls.row_norms(A)


@claim(
    "wc-left-precondition-solution-system",
    SOURCE.at("Equation 13"),
    _systems(strategies.nonsingular),
    latex=r"(EA)^{-1}Eb = A^{-1}b",
    note="So x - eta (EAx - Eb), no gradient step, has the right limit.",
)
def left_precondition_solution_system(A: Balls, solution: Balls) -> Sides:
    """For a nonsingular matrix A, row equilibration E and Ax = b, x is the solution of
    EAx = Eb."""
    b = _multipliers(A) * (A @ solution)
    return _same(balls.inverse(balls.unit_rows(A)) @ b, solution)


def _square(size: int) -> strategies.Matrices:
    return readable(size, size)


@claim(
    "wc-left-precondition-solution-same-b",
    SOURCE.at("Equation 13"),
    _systems(_square),
    latex=r"(EA)^{-1}b = A^{-1}b",
    note="The reading that puts PA in place of A and leaves b.",
    false_from=1,
)
def left_precondition_solution_same_b(A: Balls, solution: Balls) -> Sides:
    """For a nonsingular matrix A, row equilibration E and Ax = b, x is the solution of
    EAx = b."""
    return _same(balls.inverse(balls.unit_rows(A)) @ (A @ solution), solution)


def _root_scaled(A: Balls) -> tuple[Balls, Balls]:
    """Return E^1/2 A E^1/2 and the diagonal of E^1/2."""
    root = np.array([balls.sqrt(x) for x in _multipliers(A)], dtype=object)
    return root[:, None] * A * root, root


@claim(
    "wc-left-precondition-solution-corrected",
    SOURCE.at("Equation 13, corrected"),
    _systems(strategies.spd),
    latex=r"E^{1/2}(E^{1/2}AE^{1/2})^{-1}E^{1/2}b = A^{-1}b",
    note="Scaling both sides keeps the matrix symmetric, and the objective.",
)
def left_precondition_solution_corrected(A: Balls, solution: Balls) -> Sides:
    """For a symmetric positive definite matrix A, row equilibration E and Ax = b, x is
    E^1/2 y, where y solves E^1/2 A E^1/2 y = E^1/2 b."""
    scaled, root = _root_scaled(A)
    return _same(root * (balls.inverse(scaled) @ (root * (A @ solution))), solution)


def _least_squares(A: Balls, b: Balls) -> Sides:
    found = balls.pseudoinverse(balls.unit_rows(A)) @ (_multipliers(A) * b)
    return _same(found, balls.pseudoinverse(A) @ b)


def _with_no_zero_row(A: np.ndarray) -> bool:
    return bool(A.any(axis=1).all())


def _tall(size: int) -> strategies.Matrices:
    kinds = [readable(size, n) for n in range(1, size)]
    return st.one_of(kinds).filter(_with_no_zero_row)


def _least_squares_problems(matrices: strategies.Matrices) -> st.SearchStrategy:
    return matrices.flatmap(lambda A: st.tuples(st.just(A), strategies.vectors(len(A))))


@claim(
    "wc-left-precondition-solution-least-squares",
    SOURCE.at("Equation 13, for least squares"),
    lambda size: _least_squares_problems(_tall(size)),
    latex=r"(EA)^+Eb = A^+b",
    note="It weights the equations anew. At size 1 no matrix is tall.",
    false_from=2,
)
def left_precondition_solution_least_squares(A: Balls, b: Balls) -> Sides:
    """Row equilibration does not change the least-squares solution of a system of full
    column rank with more equations than unknowns."""
    return _least_squares(A, b)


@claim(
    "wc-left-precondition-solution-wide",
    SOURCE.at("Equation 13, for systems with fewer equations"),
    lambda size: _least_squares_problems(strategies.full_row_rank(size)),
    latex=r"(EA)^+Eb = A^+b",
)
def left_precondition_solution_wide(A: Balls, b: Balls) -> Sides:
    """Row equilibration does not change the solution of least norm of a system of full
    row rank."""
    return _least_squares(A, b)


@claim(
    "wc-left-precondition-minimum",
    SOURCE.at("Equation 13"),
    strategies.spd,
    latex=r"\lambda_{\min}\left(\tfrac12(EA + A^T E)\right) \ge 0",
    note="Where it is not, gradient descent on it diverges. At size 1, EA = 1.",
    false_from=2,
)
def left_precondition_minimum(A: Balls) -> Sides:
    """For a symmetric positive definite matrix A the objective x'EAx/2 - (Eb)'x is
    bounded below."""
    lowest = balls.symmetric_eigenvalues(_symmetric_part(balls.unit_rows(A)))[0]
    return balls.arb(1), 1 + lowest


@claim(
    "wc-left-precondition-minimum-corrected",
    SOURCE.at("Equation 13, corrected"),
    strategies.spd,
    latex=r"\lambda_{\min}(E^{1/2}AE^{1/2}) \ge 0",
)
def left_precondition_minimum_corrected(A: Balls) -> Sides:
    """For a symmetric positive definite matrix A so is E^1/2 A E^1/2, whose objective
    is bounded below."""
    return balls.arb(1), 1 + balls.symmetric_eigenvalues(_root_scaled(A)[0])[0]


def _faster(A: Balls) -> Sides:
    return balls.kappa(balls.unit_rows(A)), balls.kappa(A)


def _well_scaled(matrices: Callable, sides: str) -> Callable:
    return lambda size: well_scaled(matrices(size), sides)


TWO_ROWS = "With two rows equilibration is the best row scaling; with one, kappa is 1."


@claim(
    "wc-left-precondition-faster-spd",
    SOURCE.at("Equation 13"),
    _well_scaled(strategies.spd, "symmetric"),
    latex=r"\kappa_2(EA) \le \kappa_2(A)",
    admits=is_spd,
    note=TWO_ROWS,
    false_from=3,
)
def left_precondition_faster_spd(A: Balls) -> Sides:
    """Row equilibration does not raise the condition number of a symmetric positive
    definite matrix."""
    return _faster(A)


@claim(
    "wc-left-precondition-faster-general",
    SOURCE.at("Equation 13"),
    _well_scaled(_square, "rows"),
    latex=r"\kappa_2(EA) \le \kappa_2(A)",
    admits=has_full_rank,
    note=TWO_ROWS,
    false_from=3,
)
def left_precondition_faster_general(A: Balls) -> Sides:
    """Row equilibration does not raise the condition number of a nonsingular matrix."""
    return _faster(A)


@claim(
    "wc-left-precondition-faster-least-squares",
    SOURCE.at("Equation 13"),
    _well_scaled(_tall, "rows"),
    latex=r"\kappa_2(EA) \le \kappa_2(A)",
    admits=has_full_rank,
    note=TWO_ROWS,
    false_from=3,
)
def left_precondition_faster_least_squares(A: Balls) -> Sides:
    """Row equilibration does not raise the condition number of a matrix of full column
    rank with more rows than columns."""
    return _faster(A)


def _rate(A: Balls) -> Sides:
    return balls.kappa(_root_scaled(A)[0]), balls.kappa(A)


@claim(
    "wc-left-precondition-rate-spd",
    SOURCE.at("Equation 13, as the iteration"),
    _well_scaled(strategies.spd, "symmetric"),
    latex=r"\kappa_2(E^{1/2}AE^{1/2}) \le \kappa_2(A)",
    admits=is_spd,
    note="At size 2 the ratio of the two diagonal entries moves towards 1, and with "
    "it kappa falls.",
    false_from=3,
)
def left_precondition_rate_spd(A: Balls) -> Sides:
    """Row equilibration E does not raise the condition number that governs the
    iteration x - eta (EAx - Eb) for a symmetric positive definite matrix A, which is
    that of E^1/2 A E^1/2."""
    return _rate(A)


@claim(
    "wc-left-precondition-faster-corrected",
    SOURCE.at("Equation 13, corrected after van der Sluis 1969"),
    lambda size: st.one_of(
        strategies.full_row_rank(size), strategies.full_column_rank(size)
    ),
    latex=r"\kappa_2(EA) \le \|EA\|_2\,\kappa_2(A)",
    admits=has_full_rank,
)
def left_precondition_faster_corrected(A: Balls) -> Sides:
    """Row equilibration raises the condition number of a full-rank matrix at most by
    the factor ||EA||_2, which is at most the root of the number of rows."""
    return (
        balls.kappa(balls.unit_rows(A)),
        balls.norm(balls.unit_rows(A), 2) * balls.kappa(A),
    )


@claim(
    "wc-left-precondition-rate-corrected",
    SOURCE.at("Equation 13, corrected"),
    strategies.spd,
    latex=r"\kappa_2(E^{1/2}AE^{1/2}) \le "
    r"\frac{\max_i \|a_i\|}{\min_i \|a_i\|}\,\kappa_2(A)",
    admits=is_spd,
)
def left_precondition_rate_corrected(A: Balls) -> Sides:
    """Row equilibration E raises the condition number that governs the iteration x -
    eta (EAx - Eb) at most by the spread of the row norms."""
    norms = balls.row_norms(A)
    spread = balls.maximum(norms) / balls.minimum(norms)
    kappa, plain = _rate(A)
    return kappa, spread * plain
