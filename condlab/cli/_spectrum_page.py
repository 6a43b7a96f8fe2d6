"""The page that says what is known of one Hessian."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from condlab.cli import _text
from condlab.types import Record

if TYPE_CHECKING:
    from condlab.curvature import Examination


def page(
    model: str, found: Examination, edge: Record | None, figure: Path | None
) -> str:
    """Return a table of what is certain, and notes."""
    from condlab.curvature._shown import HEAD, examination_notes, examination_rows

    table = _text.table(HEAD, examination_rows(found), {1})
    said = ""
    if edge is not None:
        two_over_lr = _text.number(edge["two_over_lr"])
        said = f"sharpness against 2/lr = {two_over_lr}: {edge['verdict']}"
    notes = [_text.wrapped(note) for note in examination_notes(found, said)]
    if figure is not None:
        notes.append(f"wrote {figure}")
    return "\n".join([_text.wrapped(head(model, found)), "", table, "", *notes])


def head(model: str, found: Examination) -> str:
    """Return what a matrix is of."""
    from condlab.curvature._shown import title

    return f"{model}: {title(found)}"
