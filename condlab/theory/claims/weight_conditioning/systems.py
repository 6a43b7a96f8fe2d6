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
from condlab.theory.balls import Ball, Balls
from condlab.theory.claims.weight_conditioning.descent import nonzero_vectors
from condlab.theory.formula import theorem
from condlab.theory.model import Theorem
from condlab.theory.references import WEIGHT_CONDITIONING as SOURCE
from condlab.theory.strategies import has_full_rank, is_spd, st
from condlab.theory.vocabulary.rivals import readable, well_scaled


def _same(found: Balls, expected: Balls) -> tuple[Ball, Ball]:
    return balls.equal(found, expected, scale=1 + balls.norm_fro(expected))


def _multipliers(A: Balls) -> Balls:
    return 1 / balls.row_norms(A)


def _symmetric_part(A: Balls) -> Balls:
    return (A + A.T) / 2


def _root_scaled(A: Balls) -> tuple[Balls, Balls]:
    """Return E^1/2 A E^1/2 and the diagonal of E^1/2."""
    root = np.array([balls.sqrt(x) for x in _multipliers(A)], dtype=object)
    return root[:, None] * A * root, root


def _objective(A: Balls, solution: Balls) -> tuple[Ball, Ball]:
    """State that the gradient of x'EAx/2 - (Eb)'x, b = A solution, vanishes there."""
    EA = balls.unit_rows(A)
    return balls.equal(_symmetric_part(EA) @ solution, EA @ solution)


def _fixed_point(A: Balls, solution: Balls) -> tuple[Ball, Ball]:
    b = _multipliers(A) * (A @ solution)
    return _same(balls.inverse(balls.unit_rows(A)) @ b, solution)


def _same_b(A: Balls, solution: Balls) -> tuple[Ball, Ball]:
    return _same(balls.inverse(balls.unit_rows(A)) @ (A @ solution), solution)


def _both_sides(A: Balls, solution: Balls) -> tuple[Ball, Ball]:
    scaled, root = _root_scaled(A)
    return _same(root * (balls.inverse(scaled) @ (root * (A @ solution))), solution)


def _least_squares(A: Balls, b: Balls) -> tuple[Ball, Ball]:
    found = balls.pseudoinverse(balls.unit_rows(A)) @ (_multipliers(A) * b)
    return _same(found, balls.pseudoinverse(A) @ b)


def _minimum(A: Balls) -> tuple[Ball, Ball]:
    lowest = balls.symmetric_eigenvalues(_symmetric_part(balls.unit_rows(A)))[0]
    return balls.arb(1), 1 + lowest


def _faster(A: Balls) -> tuple[Ball, Ball]:
    return balls.kappa(balls.unit_rows(A)), balls.kappa(A)


def _rate(A: Balls) -> tuple[Ball, Ball]:
    return balls.kappa(_root_scaled(A)[0]), balls.kappa(A)


def _rate_bound(A: Balls) -> tuple[Ball, Ball]:
    norms = balls.row_norms(A)
    spread = balls.maximum(norms) / balls.minimum(norms)
    kappa, plain = _rate(A)
    return kappa, spread * plain


def _systems(matrices: Callable[[int], strategies.Matrices]) -> Callable:
    return lambda n: st.tuples(matrices(n), nonzero_vectors(n))


def _with_no_zero_row(A: np.ndarray) -> bool:
    return bool(A.any(axis=1).all())


def _square(size: int) -> strategies.Matrices:
    return readable(size, size)


def _well_scaled(matrices: Callable, sides: str) -> Callable:
    return lambda size: well_scaled(matrices(size), sides)


def _tall(size: int) -> strategies.Matrices:
    kinds = [readable(size, n) for n in range(1, size)]
    return st.one_of(kinds).filter(_with_no_zero_row)


def _least_squares_problems(matrices: strategies.Matrices) -> st.SearchStrategy:
    return matrices.flatmap(lambda A: st.tuples(st.just(A), strategies.vectors(len(A))))


def _solution(
    key: str,
    kind: str,
    what: str,
    matrices: Callable,
    formula: Callable,
    *,
    latex: str,
    note: str,
    locator: str = "Equation 13",
    false_from: int | None = None,
) -> Theorem:
    return theorem(
        f"wc-left-precondition-solution-{key}",
        f"For a {kind} matrix A, row equilibration E and Ax = b, {what}.",
        SOURCE.at(locator),
        _systems(matrices),
        formula,
        latex=latex,
        note=note,
        false_from=false_from,
    )


SOLUTION = (
    _solution(
        "objective",
        "symmetric positive definite",
        "x is stationary for x'EAx/2 - (Eb)'x",
        strategies.spd,
        _objective,
        latex=r"\nabla\left(\tfrac12 x^T EAx - (Eb)^Tx\right) = 0\ \text{at}\ A^{-1}b",
        note="The gradient is (EA + A'E)x/2 - Eb. At size 1, EA is symmetric.",
        false_from=2,
    ),
    _solution(
        "system",
        "nonsingular",
        "x is the solution of EAx = Eb",
        strategies.nonsingular,
        _fixed_point,
        latex=r"(EA)^{-1}Eb = A^{-1}b",
        note="So x - eta (EAx - Eb), no gradient step, has the right limit.",
    ),
    _solution(
        "same-b",
        "nonsingular",
        "x is the solution of EAx = b",
        _square,
        _same_b,
        latex=r"(EA)^{-1}b = A^{-1}b",
        note="The reading that puts PA in place of A and leaves b.",
        false_from=1,
    ),
    _solution(
        "corrected",
        "symmetric positive definite",
        "x is E^1/2 y, where y solves E^1/2 A E^1/2 y = E^1/2 b",
        strategies.spd,
        _both_sides,
        locator="Equation 13, corrected",
        latex=r"E^{1/2}(E^{1/2}AE^{1/2})^{-1}E^{1/2}b = A^{-1}b",
        note="Scaling both sides keeps the matrix symmetric, and the objective.",
    ),
    theorem(
        "wc-left-precondition-solution-least-squares",
        "Row equilibration does not change the least-squares solution of a system of "
        "full column rank with more equations than unknowns.",
        SOURCE.at("Equation 13, for least squares"),
        lambda size: _least_squares_problems(_tall(size)),
        _least_squares,
        latex=r"(EA)^+Eb = A^+b",
        note="It weights the equations anew. At size 1 no matrix is tall.",
        false_from=2,
    ),
    theorem(
        "wc-left-precondition-solution-wide",
        "Row equilibration does not change the solution of least norm of a system of "
        "full row rank.",
        SOURCE.at("Equation 13, for systems with fewer equations"),
        lambda size: _least_squares_problems(strategies.full_row_rank(size)),
        _least_squares,
        latex=r"(EA)^+Eb = A^+b",
    ),
    theorem(
        "wc-left-precondition-minimum",
        "For a symmetric positive definite matrix A the objective x'EAx/2 - (Eb)'x is "
        "bounded below.",
        SOURCE.at("Equation 13"),
        strategies.spd,
        _minimum,
        latex=r"\lambda_{\min}\left(\tfrac12(EA + A^T E)\right) \ge 0",
        note="Where it is not, gradient descent on it diverges. At size 1, EA = 1.",
        false_from=2,
    ),
    theorem(
        "wc-left-precondition-minimum-corrected",
        "For a symmetric positive definite matrix A so is E^1/2 A E^1/2, whose "
        "objective is bounded below.",
        SOURCE.at("Equation 13, corrected"),
        strategies.spd,
        lambda A: (
            balls.arb(1),
            1 + balls.symmetric_eigenvalues(_root_scaled(A)[0])[0],
        ),
        latex=r"\lambda_{\min}(E^{1/2}AE^{1/2}) \ge 0",
    ),
)


def _speed(
    key: str,
    kind: str,
    matrices: Callable,
    admits: Callable,
    note: str,
    *,
    false_from: int,
) -> Theorem:
    return theorem(
        f"wc-left-precondition-faster-{key}",
        f"Row equilibration does not raise the condition number of {kind}.",
        SOURCE.at("Equation 13"),
        matrices,
        _faster,
        latex=r"\kappa_2(EA) \le \kappa_2(A)",
        admits=admits,
        note=note,
        false_from=false_from,
    )


TWO_ROWS = "With two rows equilibration is the best row scaling; with one, kappa is 1."

SPEED = (
    _speed(
        "spd",
        "a symmetric positive definite matrix",
        _well_scaled(strategies.spd, "symmetric"),
        is_spd,
        TWO_ROWS,
        false_from=3,
    ),
    _speed(
        "general",
        "a nonsingular matrix",
        _well_scaled(_square, "rows"),
        has_full_rank,
        TWO_ROWS,
        false_from=3,
    ),
    _speed(
        "least-squares",
        "a matrix of full column rank with more rows than columns",
        _well_scaled(_tall, "rows"),
        has_full_rank,
        TWO_ROWS,
        false_from=3,
    ),
    theorem(
        "wc-left-precondition-rate-spd",
        "Row equilibration E does not raise the condition number that governs the "
        "iteration x - eta (EAx - Eb) for a symmetric positive definite matrix A, "
        "which is that of E^1/2 A E^1/2.",
        SOURCE.at("Equation 13, as the iteration"),
        _well_scaled(strategies.spd, "symmetric"),
        _rate,
        latex=r"\kappa_2(E^{1/2}AE^{1/2}) \le \kappa_2(A)",
        admits=is_spd,
        note="At size 2 the ratio of the two diagonal entries moves towards 1, and "
        "with it kappa falls.",
        false_from=3,
    ),
    theorem(
        "wc-left-precondition-faster-corrected",
        "Row equilibration raises the condition number of a full-rank matrix at most "
        "by the factor ||EA||_2, which is at most the root of the number of rows.",
        SOURCE.at("Equation 13, corrected after van der Sluis 1969"),
        lambda size: st.one_of(
            strategies.full_row_rank(size), strategies.full_column_rank(size)
        ),
        lambda A: (
            balls.kappa(balls.unit_rows(A)),
            balls.norm(balls.unit_rows(A), 2) * balls.kappa(A),
        ),
        latex=r"\kappa_2(EA) \le \|EA\|_2\,\kappa_2(A)",
        admits=has_full_rank,
    ),
    theorem(
        "wc-left-precondition-rate-corrected",
        "Row equilibration E raises the condition number that governs the iteration "
        "x - eta (EAx - Eb) at most by the spread of the row norms.",
        SOURCE.at("Equation 13, corrected"),
        strategies.spd,
        _rate_bound,
        latex=r"\kappa_2(E^{1/2}AE^{1/2}) \le "
        r"\frac{\max_i \|a_i\|}{\min_i \|a_i\|}\,\kappa_2(A)",
        admits=is_spd,
    ),
)

THEOREMS = (*SOLUTION, *SPEED)
