"""Training runs: what predicts how many steps they take, and a figure a study."""

from __future__ import annotations

from collections import Counter

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from condlab.plots import style as look
from studies.analysis.entries import Correlation, Found
from studies.engine.records import as_float
from studies.figures.headline import headline, wrapped
from studies.figures.renders import renders_figure
from studies.figures.training import study_figure

PREDICTORS = {
    "kappa_raw": "κ, stored weights",
    "kappa_effective": "κ, effective weights",
    "kappa_gauge": "κ, rows of one length",
    "kappa_first": "κ, first layer",
    "kappa_last": "κ, last layer",
    "kappa_hessian": "κ, Hessian",
    "kappa_sphere": "κ, Hessian on the sphere",
    "kappa_quotient": "κ, Hessian, shared quotient",
    "kappa_bound": "κ, Hessian, lower bound",
    "lambda_max": "λ_max of the Hessian",
    "row_norm_spread": "spread of row norms",
    "initial_scale": "initial scale",
}


def studies_figures(found: Found) -> dict[str, Figure]:
    """Return the figures of a meta-analysis by name.

    Parameters
    ----------
    found : dict
        As ``python -m studies.analysis.meta_analysis`` writes it.
    """
    figures = {"studies-answer": answer_figure(found["correlations"])}
    seen: Counter[str] = Counter()
    shown: set[tuple[str, ...]] = set()
    for setting in found["settings"]:
        kind = (setting["study"], setting["preset"], setting.get("kind", ""))
        small = len(setting["arms"]) <= 2 or not setting["metric"]
        if small or setting["study"] == "twins" or kind in shown:
            continue  # these have a line in the answer; one solid stands for all
        shown.add(kind)
        name = setting["study"].replace("_", "-")
        name += "-real" if setting["preset"] == "real" else ""
        seen[name] += 1
        name += f"-{seen[name]}" if seen[name] > 1 else ""
        figures[f"studies-{name}"] = study_figure(setting, found["claims"])
        if any("view" in own for own in setting["arms"].values()):
            figures[f"studies-{name}-renders"] = renders_figure(setting)
    return figures


def answer_figure(correlations: list[Correlation]) -> Figure:
    """Draw each predictor's rank correlation with the speed, a panel a study."""
    names = list(dict.fromkeys(entry["study"] for entry in correlations))
    names.sort(key=lambda name: name != "pooled")
    rows = list(PREDICTORS)
    height = 1.15 + 0.24 * len(rows) + 0.62
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
    headline(figure, 1 - 0.1 / height, answer(correlations))
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
    axes: Axes, name: str, own: list[Correlation], rows: list[str], *, first: bool
) -> None:
    axes.axvline(0, color=look.QUIET, lw=0.8)
    for entry in own:
        y = rows.index(entry["predictor"])
        sure = as_float(entry["p_holm"]) < 0.05
        colour = look.BLUE if sure else look.QUIET
        ends = [as_float(end) for end in (entry["lower"], entry["upper"])]
        axes.plot(ends, [y, y], color=colour, lw=1.6)
        face = colour if sure else look.PAPER
        axes.plot(as_float(entry["rho"]), y, "o", color=colour, mfc=face, ms=4.5)
    axes.set_xlim(-1.08, 1.08)
    axes.set_xticks([-0.5, 0.5], ["−½", "½"], fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    labels = [PREDICTORS[row] for row in rows] if first else []
    axes.set_yticks(range(len(rows)) if first else [], labels, fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=look.RULE, lw=0.5)
    axes.set_axisbelow(True)
    runs = max(entry["runs"] for entry in own)
    words = name.replace("learning_", "").replace("standardiz", "standard-_iz")
    title = f"{words.replace('_', chr(10))}\n{runs} runs"
    axes.set_title(title, fontsize=6.5, fontweight="normal", loc="center")


def answer(correlations: list[Correlation]) -> str:
    """Return the finding in two lines: what predicts the speed best."""
    pooled = {e["predictor"]: e for e in correlations if e["study"] == "pooled"}
    if not pooled:
        return "One study: nothing to pool"
    sure = [n for n, e in pooled.items() if as_float(e["p_holm"]) < 0.05]
    kappa = pooled.get("kappa_effective")
    words = ""
    if kappa is not None:
        ends = map(as_float, (kappa["rho"], kappa["lower"], kappa["upper"]))
        words = "κ of the effective weights: ρ = {:.2f} [{:.2f}, {:.2f}]".format(*ends)
        words += f" over {kappa['runs']} runs of networks"
    if not sure:
        return wrapped(f"{words}. Steps to the target go with none of these")
    best = max(sure, key=lambda n: abs(as_float(pooled[n]["rho"])))
    rho = f"{as_float(pooled[best]['rho']):+.2f}".replace("-", "−")
    return wrapped(
        f"{words}. Of {len(sure)} that steps to the target go with, the strongest is "
        f"{PREDICTORS[best]} ({rho})"
    )
