"""The generated parts of Markdown pages, between markers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from condlab.machine.files import replace_text


def rewrite(path: Path, parts: Mapping[str, str]) -> None:
    """Rewrite what stands between the markers of a page.

    Parameters
    ----------
    path : Path
        A Markdown file with lines ``<!-- NAME:begin -->`` and ``<!-- NAME:end -->``
        around what is generated; of one of the names at least.
    parts : mapping of str to str
        What goes between the markers of each name; nothing leaves what is there.

    Raises
    ------
    ValueError
        If a marker is missing or out of order; the file is then left alone.
    """
    text = path.read_text(encoding="utf-8")
    for name in require(path, parts):
        text = _replaced(path, text, name, parts[name]) if parts[name] else text
    replace_text(path, text)


def require(path: Path, names: Iterable[str]) -> list[str]:
    """Return which of the parts a page has; ValueError where it has none."""
    text, names = path.read_text(encoding="utf-8"), list(names)
    there = [
        name
        for name in names
        if any(_marker(name, which) in text for which in ("begin", "end"))
    ]
    for name in there or names[-1:]:
        _replaced(path, text, name, "")
    return there


def _replaced(path: Path, text: str, name: str, content: str) -> str:
    begin, end = _marker(name, "begin"), _marker(name, "end")
    head, found_begin, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(
            f"{path} needs the lines {begin} and {end}, in this order, around what is "
            "generated; add them"
        )
    return f"{head}{begin}\n{content}\n{end}{tail}"


def _marker(name: str, which: str) -> str:
    return f"<!-- {name}:{which} -->"
