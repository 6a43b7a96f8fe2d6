"""Figures from records: the same records give the same bytes."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from condlab.report.figures._style import save, style
from condlab.report.figures.counterexamples import counterexample_figures
from condlab.report.figures.scaling import scaling_figure
from condlab.report.figures.studies import studies_figures
from condlab.report.figures.theorem_52 import theorem_52_figure
from condlab.report.figures.tightness import tightness_figures
from condlab.report.records import Records

__all__ = ["draw", "draw_studies"]


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
    _clear(folder, "tightness", "counterexamples")
    with style():
        figures = {}
        if records.matrices:
            figures["scalings"] = scaling_figure(records.matrices)
        figures |= _pages("tightness", tightness_figures(records.theorems))
        figures |= _pages("counterexamples", counterexample_figures(records.theorems))
        drawn = [save(figure, folder, name) for name, figure in figures.items()]
    return drawn + draw_studies(records, folder)


def draw_studies(records: Records, folder: Path) -> list[Path]:
    """Draw the figures of the studies alone; see `draw`."""
    _clear(folder, "studies", "theorem")
    figures: dict[str, Figure] = {}
    with style():
        if records.studies:
            figures |= studies_figures(records.studies)
        if "theorem_52" in records.studies:
            figures["theorem-52"] = theorem_52_figure(records.studies["theorem_52"])
        return [save(figure, folder, name) for name, figure in figures.items()]


def _clear(folder: Path, *kinds: str) -> None:
    for kind in kinds:
        for old in sorted(folder.glob(f"{kind}-*.*")):  # there may be fewer now
            old.unlink()


def _pages(name: str, figures: list[Figure]) -> dict[str, Figure]:
    return {f"{name}-{i}": figure for i, figure in enumerate(figures, start=1)}
