"""Training runs: steps to a target, curvature on the way, and what predicts them."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from condlab.report._json import as_float
from condlab.report.figures import _style as look
from condlab.report.figures.renders import renders_figure
from condlab.report.speeds import speed

Entry = dict[str, Any]

BASELINES = ("plain", "LN")
COLOURS = (look.VERMILLION, look.BLUE, look.GREEN, look.PURPLE, look.ORANGE, look.SKY)
DASHES = ("-", "--", ":")
MARKERS = "osD^vP"
PREDICTORS = {
    "kappa_raw": "κ, stored weights",
    "kappa_effective": "κ, effective weights",
    "kappa_gauge": "κ, rows of one length",
    "kappa_first": "κ, first layer",
    "kappa_last": "κ, last layer",
    "kappa_hessian": "κ, Hessian",
    "kappa_sphere": "κ, Hessian on the sphere",
    "lambda_max": "λ_max of the Hessian",
    "row_norm_spread": "spread of row norms",
    "initial_scale": "initial scale",
}
CENSORED = 1.5  # budgets
MANY = 1e4  # a range with ticks at powers of ten only


def studies_figures(found: Entry) -> dict[str, Figure]:
    """Return the figures of a meta-analysis by name.

    Parameters
    ----------
    found : dict
        As ``python -m studies.meta_analysis`` writes it.
    """
    figures = {"studies-answer": answer_figure(found["correlations"])}
    seen: Counter[str] = Counter()
    shown: set[tuple[str, ...]] = set()
    for setting in found["settings"]:
        kind = (setting["study"], setting["preset"], setting.get("kind", ""))
        if len(setting["arms"]) <= 2 or kind in shown:
            continue  # quadratics have a line in the answer; one solid stands for all
        shown.add(kind)
        name = setting["study"].replace("_", "-")
        name += "-real" if setting["preset"] == "real" else ""
        seen[name] += 1
        name += f"-{seen[name]}" if seen[name] > 1 else ""
        figures[f"studies-{name}"] = study_figure(setting, found["claims"])
        if any("view" in own for own in setting["arms"].values()):
            figures[f"studies-{name}-renders"] = renders_figure(setting)
    return figures


def answer_figure(correlations: list[Entry]) -> Figure:
    """Draw each predictor's rank correlation with the speed, a panel a study."""
    names = list(dict.fromkeys(entry["study"] for entry in correlations))
    names.sort(key=lambda name: name != "pooled")
    rows = list(PREDICTORS)
    height = 1.1 + 0.24 * len(rows) + 0.62
    figure = Figure(figsize=(look.WIDTH, height))
    left, gap = 1.55 / look.WIDTH, 0.012
    width = (0.985 - left) / len(names) - gap
    for i, name in enumerate(names):
        box = (
            left + i * (width + gap),
            0.62 / height,
            width,
            0.24 * len(rows) / height,
        )
        own = [entry for entry in correlations if entry["study"] == name]
        _forest(figure.add_axes(box), name, own, rows, first=i == 0)
    figure.text(0.012, 1 - 0.1 / height, answer(correlations), va="top", **_bold())
    figure.text(
        0.985,
        0.12 / height,
        "Spearman's ρ with steps to the target within learning rates (no unit); "
        "bar: 95 % interval; filled: p < 0.05 by Holm",
        ha="right",
        fontsize=7,
    )
    return figure


def _forest(
    axes: Axes, name: str, own: list[Entry], rows: list[str], *, first: bool
) -> None:
    axes.axvline(0, color=look.QUIET, lw=0.8)
    for entry in own:
        y = rows.index(entry["predictor"])
        sure = as_float(entry["p_holm"]) < 0.05
        colour = look.BLUE if sure else look.QUIET
        ends = [as_float(entry[end]) for end in ("lower", "upper")]
        axes.plot(ends, [y, y], color=colour, lw=1.6)
        face = colour if sure else look.PAPER
        axes.plot(as_float(entry["rho"]), y, "o", color=colour, mfc=face, ms=4.5)
    axes.set_xlim(-1.08, 1.08)
    axes.set_xticks([-1, 0, 1], ["−1", "0", "1"], fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    labels = [PREDICTORS[row] for row in rows] if first else []
    axes.set_yticks(range(len(rows)) if first else [], labels, fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=look.RULE, lw=0.5)
    axes.set_axisbelow(True)
    runs = max(entry["runs"] for entry in own)
    title = f"{name.replace('learning_', '').replace('_', chr(10))}\n{runs} runs"
    axes.set_title(title, fontsize=7, fontweight="normal", loc="center")


def answer(correlations: list[Entry]) -> str:
    """Return the finding in two lines: what predicts the speed best."""
    pooled = {e["predictor"]: e for e in correlations if e["study"] == "pooled"}
    if not pooled:
        return "One study: nothing to pool"
    sure = [n for n, e in pooled.items() if as_float(e["p_holm"]) < 0.05]
    kappa = pooled.get("kappa_effective")
    words = ""
    if kappa is not None:
        ends = [as_float(kappa[end]) for end in ("rho", "lower", "upper")]
        words = "κ of the effective weights: ρ = {:.2f} [{:.2f}, {:.2f}]".format(*ends)
        words += f" over {kappa['runs']} runs of networks"
    if not sure:
        return _wrapped(f"{words}. Steps to the target go with none of these")
    best = max(sure, key=lambda n: abs(as_float(pooled[n]["rho"])))
    rho = f"{as_float(pooled[best]['rho']):+.2f}".replace("-", "−")
    return _wrapped(
        f"{words}. Of {len(sure)} that steps to the target go with, the strongest is "
        f"{PREDICTORS[best]} ({rho})"
    )


def study_figure(setting: Entry, claims: list[Entry]) -> Figure:
    """Draw steps against learning rate, loss, curvature, and steps against kappa."""
    figure = Figure(figsize=(look.WIDTH, 5.6))
    styles = _styles(list(setting["arms"]))
    grid = figure.add_gridspec(
        2, 2, left=0.09, right=0.97, top=0.845, bottom=0.2, hspace=0.42, wspace=0.26
    )
    axes = [figure.add_subplot(grid[i // 2, i % 2]) for i in range(4)]
    _steps_by_rate(axes[0], setting, styles)
    _curves(axes[1], setting, styles, "probe_loss", "loss on the probe")
    _curves(axes[2], setting, styles, "lambda_max", "λ_max of the Hessian")
    _steps_by_kappa(axes[3], setting, styles)
    figure.text(0.012, 0.985, study_title(setting, claims), va="top", **_bold())
    handles = [
        Line2D([], [], color=c, linestyle=d, marker=m, ms=4, lw=1.2)
        for c, d, m in styles.values()
    ]
    figure.legend(
        handles, list(styles), loc="lower center", ncols=8, fontsize=7, handlelength=2.2
    )
    return figure


def study_title(setting: Entry, claims: list[Entry]) -> str:
    """Return what E did to the time, at its own best rate and at equal ones."""
    name = setting["study"].replace("_", " ")
    kind = f", {setting['kind']}" if setting.get("kind") else ""
    head = f"{name}{kind} ({setting['data']}, {setting['runs']} runs)"
    for claim in claims:
        about = claim.get("study") == setting["study"] and "own" in claim
        about = about and claim.get("kind", "") in ("", setting.get("kind"))
        about = about and claim.get("seen", {}).get("preset") in (
            None,
            setting["preset"],
        )
        if not about or claim["than"] not in BASELINES:
            continue
        own, matched = (speed(claim[kind]) for kind in ("own", "matched"))
        return _wrapped(
            f"{head}: {claim['arm']} takes {own}, times the steps of {claim['than']} "
            f"at own best rates, and {matched}, at equal rates: {claim['verdict']}"
        )
    return head


def _styles(arms: list[str]) -> dict[str, tuple[str, Any, str]]:
    styles: dict[str, tuple[str, Any, str]] = {}
    for i, arm in enumerate(arms):
        turn, place = divmod(i, len(COLOURS))
        styles[arm] = (COLOURS[place], DASHES[turn % 3], MARKERS[place])
        if arm in BASELINES:
            styles[arm] = (look.INK, "-", "X")
    return styles


def _steps_by_rate(axes: Axes, setting: Entry, styles: Any) -> None:
    most = setting["steps"] * CENSORED
    for arm, own in setting["arms"].items():
        colour, dash, marker = styles[arm]
        medians = [as_float(rate["median"]) for rate in own["rates"]]
        rates = [rate["lr"] for rate in own["rates"]]
        shown = [value if math.isfinite(value) else most for value in medians]
        axes.plot(rates, shown, color=colour, linestyle=dash, lw=0.9, alpha=0.8)
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


def _curves(axes: Axes, setting: Entry, styles: Any, name: str, label: str) -> None:
    for arm, own in setting["arms"].items():
        colour, dash, marker = styles[arm]
        points = [(x, as_float(y)) for x, y in own["curves"][name]]
        points = [(x, y) for x, y in points if math.isfinite(y) and y > 0]
        every = max(1, len(points) // 5)
        axes.plot(
            *zip(*points, strict=True) if points else ([], []),
            color=colour, linestyle=dash, lw=1.0, marker=marker, ms=3, markevery=every,
        )  # fmt: skip
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    _logarithmic(axes.yaxis, (1.0, 3.0) if high < MANY * low else (1.0,))
    axes.set_xlabel("step")
    axes.set_ylabel(label)
    _dress(axes, "Each arm at its own best rate (median)")


def _steps_by_kappa(axes: Axes, setting: Entry, styles: Any) -> None:
    for arm, own in setting["arms"].items():
        colour, _, marker = styles[arm]
        for _, kappa, steps, reached in own["points"]:
            if kappa is None or not math.isfinite(as_float(kappa)):
                continue
            face = colour if reached else look.PAPER
            axes.plot(as_float(kappa), steps, marker, color=colour, mfc=face, ms=3.5)
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


def _wrapped(text: str) -> str:
    return "\n".join(look.wrap(text, 9.5, look.WIDTH - 0.25, bold=True))


def _logarithmic(axis: Any, subs: tuple[float, ...]) -> None:
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _bold() -> dict[str, Any]:
    return {"fontsize": 9.5, "fontweight": "bold", "linespacing": 1.35}
