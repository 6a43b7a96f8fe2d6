"""Figures from records: the same records give the same bytes."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from condlab.plots.style import clear, save, style
from condlab.report.figures.counterexamples import counterexample_figures
from condlab.report.figures.scaling import scaling_figure
from condlab.report.figures.tightness import tightness_figures
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
    clear(folder, "tightness", "counterexamples")
    with style():
        figures = {}
        if records.matrices:
            figures["scalings"] = scaling_figure(records.matrices)
        figures |= _pages("tightness", tightness_figures(records.theorems))
        figures |= _pages("counterexamples", counterexample_figures(records.theorems))
        return [save(figure, folder, name) for name, figure in figures.items()]


def _pages(name: str, figures: list[Figure]) -> dict[str, Figure]:
    return {f"{name}-{i}": figure for i, figure in enumerate(figures, start=1)}
