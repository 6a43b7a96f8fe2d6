"""Put a claim of one's own on trial: that row equilibration never hurts.

``condlab verify examples/claim_on_trial.py`` tries the same from the command line.
"""

from condlab.theory import balls, strategies, verify
from condlab.theory.formula import theorem

CLAIM = theorem(
    "rows-never-hurt",
    "Row equilibration does not raise the condition number of a nonsingular matrix.",
    "folklore",
    strategies.nonsingular,
    lambda A: (balls.kappa(balls.unit_rows(A)), balls.kappa(A)),
    latex=r"\kappa_2(EA) \le \kappa_2(A)",
)

if __name__ == "__main__":
    for verdict in verify(CLAIM, sizes=[1, 2, 3], max_examples=100):
        print(f"size {verdict.size}: {verdict.outcome} of {verdict.examples} instances")
    print(verdict.counterexample)
    print(verdict.certificate)
