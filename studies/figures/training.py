"""One setting's runs: the rate sweep, loss and test metric on the way, and kappa.

At most four arms are coloured and labelled, the baseline, the arm of the claim and its
closest controls; the others are grey, so that their spread is seen.
"""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from condlab.plots import style as look
from studies.analysis.entries import Judged, Setting
from studies.analysis.runs import BASELINES
from studies.analysis.speeds import speed
from studies.engine.records import as_float
from studies.figures.headline import headline, wrapped

Style = tuple[str, str]  # colour and marker

CLOSEST = ("E_gain", "init_E_all", "init_E", "WN", "LN+W")  # controls, by interest
COLOURED = 4
COLOURS = (look.INK, look.VERMILLION, look.BLUE, look.GREEN)
MARKERS = "Xos^"
GREY: Style = ("#c3c9d0", ".")
METRICS = {"accuracy": "test accuracy", "psnr": "PSNR of held-out views, dB",
           "iou": "IoU of test points", "miou": "mean IoU of test pixels",
           "bits_per_character": "bits per character, held out"}  # fmt: skip
CENSORED = 1.5  # budgets
MANY = 1e4  # a range with ticks at powers of ten only
APART = 0.065  # of the axes' height, between labels
ROOM = 9  # letters beside a curve's end


def study_figure(setting: Setting, claims: list[Judged]) -> Figure:
    """Draw steps against learning rate and kappa, and loss and metric on the way."""
    figure = Figure(figsize=(look.WIDTH, 5.6))
    styles = styles_of(setting, claims)
    grid = figure.add_gridspec(
        2, 2, left=0.09, right=0.93, top=0.845, bottom=0.15, hspace=0.42, wspace=0.36
    )
    axes = [figure.add_subplot(grid[i // 2, i % 2]) for i in range(4)]
    _steps_by_rate(axes[0], setting, styles)
    _curves(axes[1], setting, styles, "probe_loss", "training loss")
    metric = str(setting.get("metric", ""))
    _curves(axes[2], setting, styles, metric, METRICS.get(metric, metric))
    _steps_by_kappa(axes[3], setting, styles)
    headline(figure, 0.985, study_title(setting, claims))
    shown = {arm: style for arm, style in styles.items() if style != GREY}
    others = [arm for arm, style in styles.items() if style == GREY]
    handles = [
        Line2D([], [], color=colour, marker=marker, ms=4, lw=1.2)
        for colour, marker in (*shown.values(), *([GREY] if others else []))
    ]
    names = [*shown, *(["others"] if others else [])]
    figure.legend(
        handles, names, loc="lower center", ncols=5, fontsize=7, handlelength=1.8,
        bbox_to_anchor=(0.5, 0.03),
    )  # fmt: skip
    if others:
        words = f"Others: {', '.join(others)}"
        figure.text(0.5, 0.015, words, ha="center", fontsize=6, color=look.QUIET)
    return figure


def study_title(setting: Setting, claims: list[Judged]) -> str:
    """Return what E did to the time, at its own best rate and at equal ones."""
    name = setting["study"].replace("_", " ")
    kind = f", {setting['kind']}" if setting.get("kind") else ""
    data = setting.get("data_words") or setting["data"]
    head = f"{name}{kind} ({data}, {setting['runs']} runs)"
    for claim in claims:
        if not _is_about(claim, setting):
            continue
        own, matched = (speed(claim[which]) for which in ("own", "matched"))
        over = claim.get("seen", {}).get("data", data)
        where = "" if over == data else f", over {over}"
        return wrapped(
            f"{head}: {claim['arm']} takes {own}, times the steps of {claim['than']} "
            f"at own best rates, and {matched}, at equal rates{where}: "
            f"{claim['verdict']}"
        )
    return head


def _is_about(claim: Judged, setting: Setting) -> bool:
    """Tell whether a claim was judged by a setting's runs, against its baseline."""
    return (
        claim.get("study") == setting["study"]
        and "own" in claim
        and claim["than"] in BASELINES
        and claim.get("kind", "") in ("", setting.get("kind"))
        and claim.get("seen", setting).get("preset") == setting["preset"]
    )


def styles_of(setting: Setting, claims: list[Judged]) -> dict[str, Style]:
    """Return each arm's colour and marker; grey arms come first, to lie below."""
    there = list(setting["arms"])
    first = [arm for arm in BASELINES if arm in there][:1]
    judged = [
        claim["arm"]
        for claim in claims
        if claim.get("study") == setting["study"] and claim.get("than") in first
    ]
    wanted = dict.fromkeys([*first, *judged, *CLOSEST, *there])
    chosen = [arm for arm in wanted if arm in there][:COLOURED]
    grey = dict.fromkeys((arm for arm in there if arm not in chosen), GREY)
    coloured = zip(chosen, zip(COLOURS, MARKERS, strict=True), strict=False)
    return {**grey, **dict(coloured)}


def _steps_by_rate(axes: Axes, setting: Setting, styles: dict[str, Style]) -> None:
    most = setting["steps"] * CENSORED
    for arm, (colour, marker) in styles.items():
        own = setting["arms"][arm]
        medians = [as_float(rate["median"]) for rate in own["rates"]]
        rates = [rate["lr"] for rate in own["rates"]]
        shown = [value if math.isfinite(value) else most for value in medians]
        axes.plot(rates, shown, color=colour, lw=0.9)
        for x, y, value in zip(rates, shown, medians, strict=True):
            face = colour if math.isfinite(value) else look.PAPER
            axes.plot(x, y, marker, color=colour, mfc=face, ms=4)
    axes.set_xscale("log")
    rates = sorted({r["lr"] for own in setting["arms"].values() for r in own["rates"]})
    axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("steps to the target (median)")
    _dress(axes, "Hollow: most runs never reached it")


def _curves(
    axes: Axes, setting: Setting, styles: dict[str, Style], name: str, label: str
) -> None:
    epochs = setting.get("epochs")
    scale = epochs / setting["steps"] if epochs else 1
    ends: list[tuple[str, str, float, float]] = []
    for arm, (colour, _) in styles.items():
        curve = setting["arms"][arm]["curves"].get(name, ())
        points = [(scale * as_float(x), as_float(y)) for x, y in curve]
        points = [(x, y) for x, y in points if math.isfinite(y)]
        if not points:
            continue
        axes.plot(*zip(*points, strict=True), color=colour, lw=1.1)
        if colour != GREY[0]:
            ends.append((arm, colour, *points[-1]))
    if name == "probe_loss":
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        _logarithmic(axes.yaxis, (1.0, 3.0) if high < MANY * low else (1.0,))
    label_ends(axes, ends)
    axes.set_xlabel("step" if scale == 1 else "epoch")
    axes.set_ylabel(label)
    _dress(axes, "Each arm at its own best rate (median)")


def label_ends(axes: Axes, ends: list[tuple[str, str, float, float]]) -> None:
    """Write each arm's name beside the end of its curve, names apart."""
    axes.autoscale_view()  # matplotlib puts it off, and places depend on it
    to_axes = axes.transData + axes.transAxes.inverted()
    places = [(*to_axes.transform(end[2:]), *end[:2]) for end in ends]
    places.sort(key=lambda place: place[1])
    heights: list[float] = []
    for _, up, *_ in places:
        heights.append(max(up, heights[-1] + APART) if heights else up)
    for i in reversed(range(len(heights))):  # and none above the axes
        limit = 1.0 if i == len(heights) - 1 else heights[i + 1] - APART
        heights[i] = min(heights[i], limit)
    for (across, _, arm, colour), up in zip(places, heights, strict=True):
        name = arm.removeprefix("plain+")  # there is little room
        size = 7 * min(1, ROOM / len(name))
        axes.text(across + 0.02, up, name, color=colour, fontsize=size, va="center",
                  transform=axes.transAxes)  # fmt: skip


def _steps_by_kappa(axes: Axes, setting: Setting, styles: dict[str, Style]) -> None:
    for arm, (colour, marker) in styles.items():
        for _, kappa, steps, reached in setting["arms"][arm]["points"]:
            if kappa is None or not math.isfinite(as_float(kappa)):
                continue
            face = colour if reached else look.PAPER
            x, y = as_float(kappa), as_float(steps)
            axes.plot(x, y, marker, color=colour, mfc=face, ms=3.5)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    subs = (1.0, 2.0, 5.0) if high > 10 * low else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    _logarithmic(axes.xaxis, subs)
    axes.set_xlabel("median κ of effective weights at 10 % of steps")
    axes.set_ylabel("steps to the target")
    _dress(axes, "Each run; hollow: never reached it")


def _dress(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=8, fontweight="normal")
    axes.grid(color=look.RULE, lw=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=7)


def _logarithmic(axis: Axis, subs: tuple[float, ...]) -> None:
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_formatter(NullFormatter())
