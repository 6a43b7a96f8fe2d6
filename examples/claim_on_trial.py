"""Put a claim of one's own on trial: that row equilibration never hurts.

``condlab verify examples/claim_on_trial.py`` tries the same from the command line.
"""

from condlab.theory import balls, claim, strategies, verify
from condlab.theory.balls import Balls, Sides


@claim(
    "rows-never-hurt",
    "folklore",
    strategies.nonsingular,
    latex=r"\kappa_2(EA) \le \kappa_2(A)",
)
def rows_never_hurt(A: Balls) -> Sides:
    """Row equilibration never raises the condition number of a nonsingular matrix."""
    return balls.kappa(balls.unit_rows(A)), balls.kappa(A)


if __name__ == "__main__":
    for verdict in verify(rows_never_hurt, sizes=[1, 2, 3], max_examples=100):
        print(f"size {verdict.size}: {verdict.outcome} of {verdict.examples} instances")
    print(verdict.counterexample)
    print(verdict.certificate)
