"""Sections of the page that others write: words, tables and drawings, as records."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from condlab.display.tables import record
from condlab.machine.files import replace, replace_text
from condlab.types import Record

FOLDER = Path("data", "sections")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of words.

    Parameters
    ----------
    label : str
        What it is, for who does not see it.
    head : sequence of str
        The names of the columns.
    rows : sequence of sequences of str
        The cells; the first of a row names it.
    """

    label: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawings:
    """Figures that share a caption.

    Parameters
    ----------
    names : sequence of str
        Of SVG files in the folder of the page, without the suffix.
    caption : str
        Shown with the first of them.
    """

    names: tuple[str, ...]
    caption: str


Block = str | Table | Drawings  # a paragraph is its words


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page.

    Parameters
    ----------
    name : str
        That links lead to, and of its file.
    title : str
        Its heading.
    lead : str
        A paragraph for the top of the page, what is between ** in bold; or nothing.
    blocks : sequence of str, Table and Drawings
        What it consists of, in order.
    """

    name: str
    title: str
    lead: str
    blocks: tuple[Block, ...]


def write(section: Section, out: Path) -> Path:
    """Write a section beside the report of a folder, and return its file."""
    path = out / FOLDER / f"{section.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = [_written(block) for block in section.blocks]
    text = json.dumps(
        record(section) | {"blocks": blocks}, ensure_ascii=False, indent=1
    )
    replace_text(path, text + "\n")
    return path


def read(out: Path) -> tuple[Section, ...]:
    """Read all sections of a folder, by name.

    Raises
    ------
    ValueError
        If a file is no section.
    """
    return tuple(_read(path) for path in sorted((out / FOLDER).glob("*.json")))


def drawings(sections: tuple[Section, ...]) -> list[str]:
    """Return the names of all drawings of sections."""
    blocks = [block for section in sections for block in section.blocks]
    return [n for block in blocks if isinstance(block, Drawings) for n in block.names]


def copy(source: Path, out: Path) -> None:
    """Copy all sections of one folder to another, with their figures.

    Raises
    ------
    ValueError
        If there is no section, one cannot be read, or a figure is missing.
    """
    found = read(source)
    if not found:
        raise ValueError(
            f"a folder with sections in {FOLDER} is needed, and {source} has none"
        )
    for name in drawings(found):
        drawn = source / f"{name}.svg"
        if not drawn.is_file():
            raise ValueError(f"a section of {source} needs {drawn}, which is not there")
        for path in filter(Path.is_file, (drawn, drawn.with_suffix(".png"))):
            replace(out / path.name, path.read_bytes())
    for section in found:
        write(section, out)


def _written(block: Block) -> Record:
    if isinstance(block, str):
        return {"text": block}
    return {type(block).__name__.lower(): record(block)}


def _read(path: Path) -> Section:
    try:
        fields = json.loads(path.read_text("utf-8"))
        blocks = tuple(_block(*block.popitem()) for block in fields["blocks"])
        return Section(**fields | {"blocks": blocks})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no section of a report: {error!r}") from None


def _block(kind: str, content: object) -> Block:
    if kind == "text":
        return str(content)
    if kind not in ("table", "drawings") or not isinstance(content, dict):
        raise ValueError(f"blocks are text, table or drawings, and not {kind}")
    if kind == "drawings":
        return Drawings(tuple(content["names"]), content["caption"])
    rows = tuple(map(tuple, content["rows"]))
    return Table(content["label"], tuple(content["head"]), rows)
