"""The finding of a figure, in bold above it."""

from __future__ import annotations

from matplotlib.figure import Figure

from condlab.plots import style as look

SIZE = 9.5


def headline(figure: Figure, y: float, text: str) -> None:
    """Write a finding, its upper edge at y, a share of the figure's height."""
    figure.text(
        0.012, y, text, va="top", fontsize=SIZE, fontweight="bold", linespacing=1.35
    )


def wrapped(text: str, margin: float = 0.25) -> str:
    """Return a finding in lines that fit the figure less a margin, in inches."""
    return "\n".join(look.wrap(text, SIZE, look.WIDTH - margin, bold=True))
