"""Which theorems `condlab verify` puts on trial: the catalogue's, and one's own."""

from __future__ import annotations

import ast
import runpy
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from condlab.cli import _sources

if TYPE_CHECKING:
    from condlab.theory.model import Theorem


def is_file(key: str) -> bool:
    """Return whether a word names a file of claims and not a theorem."""
    return key.endswith(".py")


def find(keys: list[str]) -> list[Theorem]:
    """Return the theorems of keys and files, each once; of none, the catalogue.

    Raises
    ------
    ValueError
        If a key is unknown, or a file has no theorems, or fails.
    """
    from condlab.theory import CATALOGUE

    if not keys:
        return list(CATALOGUE.values())
    found: dict[str, Theorem] = {}
    for key in dict.fromkeys(keys):
        if is_file(key):
            for theorem in _own(Path(key)):
                if found.setdefault(theorem.key, theorem) is not theorem:
                    raise ValueError(
                        f"keys must be different, and {theorem.key!r} names two "
                        f"theorems, one in {key}; rename it"
                    )
        elif key in CATALOGUE:
            found.setdefault(key, CATALOGUE[key])
        else:
            raise ValueError(
                f"the catalogue has no theorem {key!r}"
                f"{_sources.closest(key, CATALOGUE)} (condlab list theorems); a file "
                "of your own claims ends in .py"
            )
    return list(found.values())


def _own(path: Path) -> list[Theorem]:
    from condlab.theory.catalogue import claims_of

    if not path.is_file():
        raise ValueError(f"there is no file {path} to read theorems from")
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"running {path} fails: {told}") from error
    _refuse_lost_claims(path)
    found = list(claims_of(names))
    if not found:
        raise ValueError(
            f"{path} has no condlab.theory.Theorem at its top level, alone or in a "
            "list, tuple or dict; make one"
        )
    return found


def _refuse_lost_claims(path: Path) -> None:
    """Refuse two claims of one name, of which Python keeps the second alone."""
    named = Counter(
        node.name
        for node in ast.parse(path.read_bytes()).body
        if isinstance(node, ast.FunctionDef)
        and any(_is_claim(each) for each in node.decorator_list)
    )
    twice = next((name for name, count in named.items() if count > 1), None)
    if twice is not None:
        raise ValueError(
            f"functions of claims need names of their own, and {path} has two of the "
            f"name {twice}, so that the first would not be tried; rename one"
        )


def _is_claim(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called).split(".")[-1] == "claim"
