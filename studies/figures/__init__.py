"""Figures of the studies, from what their analysis found."""

from __future__ import annotations

from pathlib import Path

from condlab.plots.style import clear, save, style
from studies.analysis.entries import Found
from studies.figures.batches import batch_figures
from studies.figures.correlations import studies_figures
from studies.figures.theorem_52 import theorem_52_figure

__all__ = ["draw"]


def draw(found: Found, folder: Path) -> list[Path]:
    """Draw every figure of a meta-analysis, as PNG and SVG.

    Parameters
    ----------
    found : dict
        As ``python -m studies analyse`` writes it.
    folder : Path
        Where the files go; it exists.

    Returns
    -------
    list of Path
        The SVG files, in the order of the report.
    """
    clear(folder, "studies", "theorem")
    with style():
        figures = studies_figures(found)
        figures |= batch_figures(found.get("ends", []))
        if "theorem_52" in found:
            figures["theorem-52"] = theorem_52_figure(found["theorem_52"])
        return [save(figure, folder, name) for name, figure in figures.items()]
