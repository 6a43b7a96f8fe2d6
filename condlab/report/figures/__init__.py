"""Figures from records: the same records give the same bytes."""

from __future__ import annotations

from pathlib import Path

from condlab.report.figures._style import save, style
from condlab.report.figures.counterexamples import counterexample_figures
from condlab.report.figures.scaling import scaling_figure
from condlab.report.figures.tightness import tightness_figure
from condlab.report.records import Records

__all__ = ["draw"]


def draw(records: Records, folder: Path) -> list[Path]:
    """Draw every figure that the records allow, as PNG and SVG.

    Parameters
    ----------
    records : Records
        Such as `condlab.report.records.read` gives.
    folder : Path
        Where the files go; it exists.

    Returns
    -------
    list of Path
        The SVG files, in the order of the report; each has a PNG beside it.
    """
    for old in sorted(folder.glob("counterexamples-*.*")):
        old.unlink()  # there may be fewer pages now
    with style():
        figures = {}
        if records.matrices:
            figures["scalings"] = scaling_figure(records.matrices)
        if records.theorems:
            figures["tightness"] = tightness_figure(records.theorems)
        pages = counterexample_figures(records.theorems)
        for number, page in enumerate(pages, start=1):
            figures[f"counterexamples-{number}"] = page
        return [save(figure, folder, name) for name, figure in figures.items()]
