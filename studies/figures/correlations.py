"""Training runs: what predicts how many steps they take, and a figure a study."""

from __future__ import annotations

from collections import Counter

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from condlab.plots import style as look
from studies.analysis.entries import Correlation, Found
from studies.analysis.runs import CONTROL
from studies.engine.records import as_float
from studies.figures.headline import headline, wrapped
from studies.figures.renders import renders_figure
from studies.figures.training import study_figure

PREDICTORS = {  # of weights, then of the Hessian: a line of panels each
    "kappa_effective": "κ, effective weights",
    "kappa_raw": "κ, stored weights",
    "kappa_gauge": "κ, rows of one length",
    "kappa_first": "κ, first layer",
    "kappa_last": "κ, last layer",
    "row_norm_spread": "spread of row norms",
    "kappa_hessian": "κ, Hessian",
    "kappa_sphere": "κ, Hessian on the sphere",
    "kappa_quotient": "κ, Hessian, shared quotient",
    "kappa_bound": "κ, Hessian, lower bound",
    "lambda_max": "λ_max of the Hessian",
    "initial_scale": "initial scale",
}
ACROSS = 6  # panels
# In inches: of a study, of what is above and below all panels, between them.
ROW, ABOVE, BELOW, BETWEEN, LEFT, GAP = 0.165, 0.95, 0.55, 0.75, 1.75, 0.08


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
    """Draw each predictor's rank correlation with the speed, a line a study."""
    runs: dict[str, int] = {}
    for entry in correlations:
        runs[entry["study"]] = max(runs.get(entry["study"], 0), entry["runs"])
    names = sorted(runs, key=lambda name: (name != "pooled", name == CONTROL))
    lines = -(-len(PREDICTORS) // ACROSS)
    tall = ROW * len(names)
    height = ABOVE + lines * tall + (lines - 1) * BETWEEN + BELOW
    figure = Figure(figsize=(look.WIDTH, height))
    width = (look.WIDTH - LEFT - 0.08) / ACROSS - GAP
    for i, predictor in enumerate(PREDICTORS):
        line, place = divmod(i, ACROSS)
        bottom = height - ABOVE - (line + 1) * tall - line * BETWEEN
        box = (
            (LEFT + place * (width + GAP)) / look.WIDTH,
            bottom / height,
            width / look.WIDTH,
            tall / height,
        )
        axes = figure.add_axes(box)
        own = [entry for entry in correlations if entry["predictor"] == predictor]
        _forest(axes, own, names)
        title = "\n".join(look.wrap(PREDICTORS[predictor], 7, width))
        axes.set_title(title, fontsize=7, fontweight="normal", loc="left")
        if place == 0:
            labels = [_label(name, runs[name]) for name in names]
            axes.set_yticks(range(len(names)), labels, fontsize=7)
    headline(figure, 1 - 0.1 / height, answer(correlations))
    figure.text(
        0.985,
        0.1 / height,
        "Spearman's ρ with steps to the target within learning rates (no unit); "
        "bar: 95 % interval over arms; filled: p < 0.05 by Holm",
        ha="right",
        fontsize=7,
    )
    return figure


def _label(name: str, runs: int) -> str:
    words = "pooled, all but control" if name == "pooled" else name.replace("_", " ")
    return f"{words}{' (control)' if name == CONTROL else ''}, {runs}"


def _forest(axes: Axes, own: list[Correlation], names: list[str]) -> None:
    axes.axvline(0, color=look.QUIET, lw=0.8)
    if names[0] == "pooled":
        axes.axhline(0.5, color=look.RULE, lw=0.8)
    for entry in own:
        y = names.index(entry["study"])
        sure = as_float(entry["p_holm"]) < 0.05
        colour = look.BLUE if sure else look.QUIET
        ends = [as_float(end) for end in (entry["lower"], entry["upper"])]
        axes.plot(ends, [y, y], color=colour, lw=1.4)
        face = colour if sure else look.PAPER
        axes.plot(as_float(entry["rho"]), y, "o", color=colour, mfc=face, ms=3.6)
    axes.set_xlim(-1.05, 1.05)
    axes.set_xticks([-0.5, 0.5], ["−½", "½"], fontsize=7)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks([])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=look.RULE, lw=0.5)
    axes.set_axisbelow(True)


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
        return wrapped(f"{words}. Pooled, the steps surely go with none of these")
    best = max(sure, key=lambda n: abs(as_float(pooled[n]["rho"])))
    rho = f"{as_float(pooled[best]['rho']):+.2f}".replace("-", "−")
    return wrapped(
        f"{words}. Of {len(sure)} that the steps surely go with, the strongest is "
        f"{PREDICTORS[best]} ({rho})"
    )
