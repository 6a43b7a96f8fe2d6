"""What a survey says of normalisation in training, as questions to the records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from studies.analysis.claims.differences import (
    MARGIN,
    at_equal_rates,
    at_rate,
    gain_beyond,
    largest_rate,
    less,
    less_at_best,
    no_worse,
    own_best,
    shift_goes_with_loss,
    slope,
    smaller,
)
from studies.analysis.contrasts import Contrast, minus
from studies.analysis.entries import Claim
from studies.engine.records import Record

Measure = Callable[[Sequence[Record]], Mapping[int, float]]
NORMALISATION = "normalisation"


def _asked(
    experiment: str, key: str, claim: str, says: str, measure: Measure, **about: object
) -> Contrast:
    return Contrast(
        f"survey-{experiment.replace('_', '-')}-{key}",
        claim,
        NORMALISATION,
        "survey",
        says,
        measure,
        {"experiment": experiment, **about},
    )


BEST, EQUAL = "test accuracy, own best rates", "test accuracy, equal rates"
TENFOLD = "powers of ten, medians over a run, equal rates"
RHO = "Spearman's rho over arms and rates"
TENFOLD_BEST = "powers of ten, medians over a run, own best rates"


def _both(experiment: str, key: str, claim: str, a: str, b: str) -> list[Contrast]:
    """Return a comparison of accuracies at own best rates and at equal ones."""
    return [
        _asked(experiment, key, claim, BEST, partial(own_best, a, b)),
        _asked(experiment, f"{key}-matched", claim, EQUAL,
               partial(at_equal_rates, a, b)),
    ]  # fmt: skip


def _less(key: str, claim: str, series: str, a: str, b: str) -> list[Contrast]:
    return [
        _asked("placement", key, claim, TENFOLD, partial(less, series, a, b)),
        _asked("placement", f"{key}-own", claim, TENFOLD_BEST,
               partial(less_at_best, series, a, b)),
    ]  # fmt: skip


PLACEMENT = [
    *_both("placement", "generalises", "Batch norm gives better generalisation",
           "before", "plain"),
    *_both("placement", "before", "Batch norm is better before the non-linearity than "
           "after it", "before", "after"),
    _asked("placement", "rates", "Batch norm lets larger rates train",
           "powers of ten of the largest rate that trains",
           partial(largest_rate, "before", "plain")),
    *_less("shift-moments", "Batch norm reduces internal covariate shift, the change "
           "of the distributions of layers' inputs", "moment_shift", "before", "plain"),
    *_less("shift-gradients", "Batch norm reduces internal covariate shift, the change "
           "of a layer's gradient by the step of those before it", "gradient_shift",
           "before", "plain"),
    _asked("placement", "works-by-moments", "Less change of the distributions of "
           "layers' inputs goes with a lower loss", RHO,
           partial(shift_goes_with_loss, "moment_shift")),
    _asked("placement", "works-by-gradients", "Less change of layers' gradients goes "
           "with a lower loss", RHO,
           partial(shift_goes_with_loss, "gradient_shift")),
    *_less("noise-shifts", "Control: noise behind batch norm makes layers' inputs "
           "change more than those of a plain network", "moment_shift", "plain",
           "noisy"),
    *_both("placement", "noise-trains", "With that noise, batch norm is still better "
           "than none", "noisy", "plain"),
    *_less("smooth-loss", "Batch norm smooths the landscape: the loss varies less "
           "along the gradient", "loss_range", "before", "plain"),
    *_less("smooth-gradient", "Batch norm smooths the landscape: the gradient changes "
           "less along itself", "gradient_change", "before", "plain"),
    *_less("smooth-beta", "Batch norm smooths the landscape: the gradient changes less "
           "per distance", "smoothness", "before", "plain"),
]  # fmt: skip
TRANSFORMERS = [
    *_both("warm_up", "post-needs", "Post-norm transformers need warm-up",
           "post+warm_up", "post"),
    *_both("warm_up", "pre-needs", "Control: pre-norm transformers gain by warm-up",
           "plain+warm_up", "plain"),
    _asked("warm_up", "post-needs-more", "Post-norm needs warm-up more than pre-norm",
           EQUAL, gain_beyond),
    *_both("warm_up", "pre", "Pre-norm without warm-up is easier to train than "
           "post-norm with it", "plain", "post+warm_up"),
    _asked("initial", "pre-falls", "At the start, pre-norm's last gradient falls with "
           "depth", "log2 per doubling of depth",
           lambda records: {s: -x for s, x in slope("plain", records).items()}),
    _asked("initial", "post-stays", "At the start, post-norm's last gradient falls "
           "less with depth than pre-norm's", "log2 per doubling of depth",
           lambda records: minus(slope("post", records), slope("plain", records))),
]  # fmt: skip
IMPROVEMENTS = [
    contrast
    for arm, words in (
        ("decay", "weight decay on gamma and beta"),
        ("ghost", "ghost batches"),
        ("batch_group", "group norm combined with it"),
        ("moving", "the moving average simulated during inference"),
    )
    for contrast in _both(
        "improvements", arm, f"Batch norm is improved by {words}", arm, "plain"
    )
]
RECURRENT = [
    *_both("recurrent", "layer", "Layer norm improves a recurrent network", "layer",
           "plain"),
    *_both("recurrent", "layer-batch", "In a recurrent network layer norm is better "
           "than batch norm of each step", "layer", "batch"),
]  # fmt: skip
SIZES = (64, 512)
NORM_FREE = [
    contrast
    for batch in SIZES
    for contrast in (
        _asked("norm_free", f"like-{batch}", "Without norms, scaled standardization "
               f"and clipping train as batch norm does, at a batch of {batch}",
               f"test accuracy + {MARGIN}, own best rates",
               partial(no_worse, "free+clip", "plain"), batch=batch),
        _asked("norm_free", f"clip-{batch}", "Adaptive clipping improves it at a batch "
               f"of {batch}", BEST, partial(own_best, "free+clip", "free"),
               batch=batch),
        _asked("norm_free", f"clip-large-{batch}", "Adaptive clipping improves it at "
               f"large rates, at a batch of {batch}", "test accuracy, rate 1",
               partial(at_rate, 1.0, "free+clip", "free"), batch=batch),
    )
]  # fmt: skip
UNITS = [
    contrast
    for data, words in (
        ("wine", "Wine"), ("breast_cancer", "Breast cancer"), ("diabetes", "Diabetes")
    )
    for method in ("min-max", "z-score", "robust")
    for contrast in (
        _asked("units", f"kappa-{data}-{method}", f"{words}: {method} lowers the "
               "condition number of the Gram matrix",
               "powers of ten", partial(smaller, "kappa_gram", method), data=data),
        _asked("units", f"speed-{data}-{method}", f"{words}: {method} speeds gradient "
               "descent on a linear model up",
               "powers of ten of the excess loss at the end",
               partial(smaller, "probe_loss", method), data=data),
    )
]  # fmt: skip
CONTRASTS: tuple[Contrast, ...] = (
    *PLACEMENT, *TRANSFORMERS, *IMPROVEMENTS, *RECURRENT, *NORM_FREE, *UNITS
)  # fmt: skip


def _faster(key: str, text: str, experiment: str, arm: str, than: str) -> Claim:
    return {
        "key": f"survey-{key}",
        "claim": text,
        "study": "survey",
        "kind": experiment,
        "arm": arm,
        "than": than,
        "rate": None,
        "method": NORMALISATION,
    }


CLAIMS: tuple[Claim, ...] = (
    _faster("faster", "Batch norm speeds training up", "placement", "before", "plain"),
    _faster("faster-before", "Batch norm before the non-linearity trains faster than "
            "after it", "placement", "before", "after"),
    _faster("faster-noisy", "Batch norm with noise behind it trains faster than none",
            "placement", "noisy", "plain"),
    _faster("faster-pre", "Pre-norm transformers without warm-up train faster than "
            "post-norm ones with it", "warm_up", "plain", "post+warm_up"),
    _faster("faster-recurrent", "Layer norm speeds a recurrent network up",
            "recurrent", "layer", "plain"),
    _faster("faster-norm-free", "Without norms, with clipping, residual networks train "
            "faster than with batch norm", "norm_free", "free+clip", "plain"),
)  # fmt: skip
