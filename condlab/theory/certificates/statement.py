"""What a claim of the catalogue says, in the language of the checker.

The language is that of `check`: matrices, ``@ * / + -`` and ``.T``, ``kappa``,
``lmin`` and a few more; "let" defines. A statement may say less than its claim, such as
the claim for one step or for two rows: what refutes it refutes the claim.
"""

from __future__ import annotations

from dataclasses import dataclass

from condlab.theory.certificates import check
from condlab.types import Record


@dataclass(frozen=True, slots=True)
class Statement:
    """If everything in `given` holds, then `then`.

    Parameters
    ----------
    parts : str
        Names of the parts of an instance; a part of three dimensions is given by its
        first matrix.
    then : str
        The conclusion.
    given : tuple of str
        The hypotheses, all of which the checker can decide.
    let : tuple of (str, str)
        Definitions, in order.
    """

    parts: str
    then: str
    given: tuple[str, ...] = ()
    let: tuple[tuple[str, str], ...] = ()

    def stated(self, key: str, words: str) -> Record:
        """Return the part of a certificate that its digest in the catalogue covers."""
        return {
            "claim": key,
            "words": " ".join(words.split()),
            "let": [list(pair) for pair in self.let],
            "if": list(self.given),
            "then": self.then,
        }


def equal(left: str, right: str) -> str:
    """Return the conclusion that two matrices are equal, entry by entry."""
    return f"abs({left} - ({right})) <= 0"


def digests(statements: dict[str, Statement], words: dict[str, str]) -> dict[str, str]:
    """Return the table that certificates carry: key to digest of the statement."""
    return {
        key: check.digest(statement.stated(key, words[key]))
        for key, statement in sorted(statements.items())
    }
