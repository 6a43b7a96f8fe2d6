"""The mutants of a theorem on trial."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from condlab.theory.model import Outcome, Theorem, Verdict, overall
from condlab.theory.mutants import SIZES, Mutant, mutants
from condlab.theory.search import verify

EXAMPLES = 16  # at each size: most false mutants fall within the first few


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a mutant.

    Parameters
    ----------
    mutant : Mutant
        On trial.
    verdicts : tuple of Verdict
        One a size, up to the first that has a counterexample.
    """

    mutant: Mutant
    verdicts: tuple[Verdict, ...]

    @property
    def outcome(self) -> Outcome:
        """Whether the mutant holds, so far, was falsified, or could not be decided."""
        return overall((v.outcome, v.examples) for v in self.verdicts)

    @property
    def last(self) -> Verdict:
        """The verdict with the smallest counterexample, where there is one."""
        return self.verdicts[-1]


def try_mutants(
    theorem: Theorem,
    *,
    sizes: Iterable[int] = SIZES,
    max_examples: int = EXAMPLES,
    seed: int = 0,
) -> list[Trial]:
    """Search the mutants of a true claim for counterexamples.

    A constant that cannot be lowered by one per cent is not tried at a half. The
    counterexample to a moved constant is not simplified.

    Parameters
    ----------
    theorem : Theorem
        From the catalogue or not.
    sizes, max_examples, seed
        As for `verify`.

    Returns
    -------
    list of Trial

    Examples
    --------
    >>> from condlab.theory import CATALOGUE
    >>> trials = try_mutants(CATALOGUE["folklore-row-norm-ratio"], max_examples=30)
    >>> for trial in trials:
    ...     print(trial.mutant.change, trial.outcome)
    the right-hand side times 99/100 falsified
    A is any matrix with more rows than columns falsified
    """
    trials: list[Trial] = []
    sharp = False
    for mutant in mutants(theorem):
        if mutant.kind == "constant" and sharp:
            continue
        trial = _trial(mutant, sizes, max_examples, seed)
        sharp = sharp or (mutant.kind == "constant" and trial.outcome == "falsified")
        if any(verdict.examples for verdict in trial.verdicts):
            trials.append(trial)
    return trials


def _trial(mutant: Mutant, sizes: Iterable[int], max_examples: int, seed: int) -> Trial:
    verdicts: list[Verdict] = []
    hypothesis = mutant.kind == "hypothesis"
    for size in sorted(sizes):
        if size == 1 and not hypothesis:
            continue  # where every condition number is 1, no constant can be lower
        verdicts += verify(
            mutant.theorem,
            sizes=[size],
            max_examples=max_examples,
            seed=seed,
            shrink=hypothesis,
        )
        if verdicts[-1].outcome == "falsified":
            break
    return Trial(mutant, tuple(verdicts))
