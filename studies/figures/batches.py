"""Test error against how many images a normalisation sees at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from condlab.plots import style as look
from studies.analysis.entries import Ends
from studies.analysis.runs import grouped
from studies.engine.records import as_float
from studies.figures.headline import headline, wrapped
from studies.figures.training import COLOURED, COLOURS, GREY, label_ends

# Coloured, in this order; all others are grey.
FIRST = ("BN", "Assoc", "GN", "GN+WS", "BCN-est+WS", "LN")


def batch_figures(ends: Sequence[Ends]) -> dict[str, Figure]:
    """Return a figure of each study and preset that has several numbers of images.

    Parameters
    ----------
    ends : sequence of dict
        As `studies.analysis.batches.errors_by_images` returns them.
    """
    figures: dict[str, Figure] = {}
    for (study, preset, data), rows in grouped(
        ends, lambda row: (row["study"], row["preset"], row["data"])
    ).items():
        if len({row["images"] for row in rows} - {None}) > 1:
            name = f"studies-{study.replace('_', '-')}-by-images"
            name += "-real" if preset == "real" else f"-{preset}"
            figures.setdefault(name, batch_figure(rows, data))
    return figures


def batch_figure(rows: Sequence[Ends], data: str) -> Figure:
    """Draw each seed's error, and lines through their means."""
    figure = Figure(figsize=(look.WIDTH, 3.6))
    axes = figure.add_axes((0.08, 0.15, 0.78, 0.69))
    norms = {norm: own for norm, own in grouped(rows, lambda row: row["norm"]).items()
             if len(own) > 1 or own[0]["images"] is None}  # fmt: skip
    sizes = sorted({row["images"] for row in rows if row["images"] is not None})
    chosen = [norm for norm in FIRST if norm in norms][:COLOURED]
    colours = dict(zip(chosen, COLOURS, strict=False))
    grey = [norm for norm in norms if norm not in colours]
    labels = []
    for norm in (*grey, *chosen):
        colour = colours.get(norm, GREY[0])
        end = _line(axes, norms[norm], sizes, colour)
        if norm in colours:
            labels.append((norm, colour, *end))
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set_xlabel("images that the norm sees at a time")
    axes.set_ylabel("test error, %")
    axes.grid(color=look.RULE, lw=0.5)
    axes.set_axisbelow(True)
    for own in grouped(labels, lambda label: label[2]).values():
        label_ends(axes, own)
    headline(figure, 0.985, title({n: norms[n] for n in chosen}, sizes, data))
    if grey:
        figure.text(0.012, 0.015, f"Grey: {', '.join(grey)}", fontsize=6.5,
                    color=look.QUIET)  # fmt: skip
    return figure


def _line(
    axes: Axes, rows: Sequence[Ends], sizes: Sequence[int], colour: str
) -> tuple[float, float]:
    """Draw a norm's errors and return where its line ends."""
    means = by_size(rows, sizes)
    axes.plot(*zip(*means.items(), strict=True), color=colour, lw=1.2)
    for row in rows:
        if row["images"] is not None:
            own = [as_float(x) for x in row["errors"]]
            axes.plot([row["images"]] * len(own), own, ".", color=colour, ms=4)
    last = max(means)
    return last, means[last]


def by_size(rows: Sequence[Ends], sizes: Sequence[int]) -> dict[int, float]:
    """Return the mean error at each size; the same at all where a norm sees one image.

    Examples
    --------
    >>> row = {"images": None, "errors": [10.0, 20.0]}
    >>> by_size([row], [1, 8])
    {1: 15.0, 8: 15.0}
    """
    means: dict[int | None, float] = {
        row["images"]: fmean(map(as_float, row["errors"])) for row in rows
    }
    if None in means:
        return dict.fromkeys(sizes, means[None])
    return {size: means[size] for size in sizes if size in means}


def title(norms: dict[str, list[Ends]], sizes: Sequence[int], data: str) -> str:
    """Return the finding: errors of the coloured norms at both ends."""
    small, large = sizes[0], sizes[-1]
    told = []
    for norm, rows in norms.items():
        means = by_size(rows, sizes)
        ends = [means.get(size, math.nan) for size in (large, small)]
        if rows[0]["images"] is None:
            told.append(f"{norm} {ends[0]:.0f} % with any")
        elif not any(map(math.isnan, ends)):
            told.append(f"{norm} {ends[0]:.0f} to {ends[1]:.0f} %")
    return wrapped(
        f"{data}: test error as the norm sees {large} images, then {small}: "
        f"{', '.join(told)}"
    )
