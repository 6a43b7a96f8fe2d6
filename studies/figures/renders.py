"""Views that were held out, as each arm of a radiance field rendered them."""

from __future__ import annotations

import base64
import io
import math

import matplotlib.image
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from condlab.plots import style as look
from studies.analysis.entries import Setting, View
from studies.engine.records import as_float
from studies.figures.headline import headline, wrapped

COLUMNS = 4
BASELINE = "plain"
TITLE = 0.5  # inches above the images
CAPTION = 0.34  # and below each


def renders_figure(setting: Setting) -> Figure:
    """Draw the truth, and what each arm made of it at its own best learning rate.

    Parameters
    ----------
    setting : dict
        Of a meta-analysis; at least one of its arms has a "view".
    """
    views = {arm: own["view"] for arm, own in setting["arms"].items() if "view" in own}
    truth = _pixels(next(iter(views.values()))["truth"])
    rows = math.ceil((len(views) + 1) / COLUMNS)
    width = (look.WIDTH - 0.2) / COLUMNS
    tall = (width - 0.1) * truth.shape[0] / truth.shape[1] + CAPTION
    height = TITLE + rows * tall + 0.05
    figure = Figure(figsize=(look.WIDTH, height))
    shown = [("truth, held out", truth)]
    shown += [
        (_caption(arm, setting), _pixels(v["render"])) for arm, v in views.items()
    ]
    for i, (caption, image) in enumerate(shown):
        row, column = divmod(i, COLUMNS)
        bottom = height - TITLE - (row + 1) * tall + CAPTION
        left = 0.1 + column * width
        box = (
            left / look.WIDTH,
            bottom / height,
            (width - 0.1) / look.WIDTH,
            (tall - CAPTION) / height,
        )
        _show(figure.add_axes(box), image, caption)
    headline(figure, 1 - 0.08 / height, wrapped(_finding(views, setting)))
    return figure


def _finding(views: dict[str, View], setting: Setting) -> str:
    """Return which arm renders best, and how far that is from the plain network."""
    quality = {arm: as_float(view["psnr"]) for arm, view in views.items()}
    best = max(quality, key=lambda arm: quality[arm])
    head = f"{setting['study']} after {setting['steps']} steps, one run of each arm: "
    if best == BASELINE or BASELINE not in quality:
        return f"{head}{best} is best, at {quality[best]:.1f} dB"
    gain = quality[best] - quality[BASELINE]
    return f"{head}{best} is best, {gain:.1f} dB above {BASELINE} weights"


def _caption(arm: str, setting: Setting) -> str:
    own = setting["arms"][arm]
    quality, likeness = map(as_float, (own["view"]["psnr"], own["view"]["ssim"]))
    return f"{arm}, rate {own['best_lr']:g}\n{quality:.1f} dB, SSIM {likeness:.2f}"


def _show(axes: Axes, image: np.ndarray, caption: str) -> None:
    axes.imshow(image, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(caption, fontsize=7, labelpad=3)
    for spine in axes.spines.values():
        spine.set_visible(True)


def _pixels(png: str) -> np.ndarray:
    return matplotlib.image.imread(io.BytesIO(base64.b64decode(png)), format="png")
