"""What is claimed of standardized weights in training, as questions to the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.analysis.claims.differences import MARGIN, error
from studies.analysis.claims.equilibration import faster
from studies.analysis.contrasts import Contrast, at_best, last, minus
from studies.analysis.entries import Claim
from studies.engine.records import Record

STANDARDIZATION = "weight standardization"


def _asked(key: str, text: str, arm: str, than: str) -> Claim:
    study, key = "weight_standardization", f"standardization-{key}"
    return faster(key, text, study, arm, than, rate=0.1, method=STANDARDIZATION)


# Of Qiao, Wang, Liu, Shen and Yuille (2019): table 2, and figure 4 for the halves.
CLAIMS = (
    *(
        _asked(
            f"table-2-{norm.lower()}",
            f"{words}: standardized weights train faster than plain ones",
            f"{norm}+WS", norm,
        )
        for norm, words in (
            ("GN", "Group norm"), ("LN", "Layer norm"), ("IN", "Instance norm"),
            ("BN", "Batch norm"),
        )
    ),
    _asked(
        "table-2-wn", "Group norm: weight standardization trains faster than weight "
        "normalisation", "GN+WS", "GN+WN",
    ),
    _asked(
        "table-2-af", "Group norm: weight standardization trains faster without a gain "
        "and a shift", "GN+WS", "GN+AF",
    ),
    _asked(
        "figure-4-mo", "Group norm: centring the weights alone trains faster than "
        "plain ones", "GN+MO", "GN",
    ),
    _asked(
        "figure-4-do", "Group norm: dividing the weights by their deviation alone "
        "trains faster than plain ones", "GN+DO", "GN",
    ),
    _asked(
        "figure-4-halves", "Group norm: centring the weights trains faster than "
        "dividing them", "GN+MO", "GN+DO",
    ),
)  # fmt: skip


def _better(norm: str, table: int, study: str, words: str, metric: str) -> Contrast:
    """Return the claim that standardized weights end better, at own best rates."""

    def gain(records: Sequence[Record]) -> Mapping[int, float]:
        ends = (at_best(last(records, metric, arm=a)) for a in (f"{norm}+WS", norm))
        return minus(*ends)

    return Contrast(
        f"standardization-table-{table}-{norm.lower()}",
        f"{words}, {NAMES[norm]}: standardized weights end better than plain ones",
        STANDARDIZATION,
        study,
        f"{metric.replace('miou', 'mean IoU')}, own best rates",
        gain,
    )


NAMES = {"GN": "group norm", "BN": "batch norm"}


def _told(key: str, claim: str, arm: str, than: str, within: float = 0.0) -> Contrast:
    """Return the claim that clips are told with less error, or hardly any more."""

    def gain(records: Sequence[Record]) -> Mapping[int, float]:
        ends = (
            at_best(error(records, name, chance=1 / 16), largest=False)
            for name in (than, arm)
        )
        return {seed: gap + within for seed, gap in minus(*ends).items()}

    more = f", and {within:g} that are allowed" if within else ""

    return Contrast(
        f"standardization-table-6-{key}",
        f"Video, {claim}",
        STANDARDIZATION,
        "video",
        f"points of top-1 error{more}, own best rates",
        gain,
    )


# Tables 6 to 8, by what stands for them.
CONTRASTS = (
    _told("gn", "group norm: less error with standardized weights", "GN+WS", "GN"),
    _told("catch-up", "group norm: standardized weights make up for batch norm, to "
          f"within {100 * MARGIN:g} points", "GN+WS", "BN", within=100 * MARGIN),
    _told("bn", "batch norm: less error with standardized weights", "BN+WS", "BN"),
    *(
        _better(norm, table, study, words, metric)
        for table, study, words, metric in (
            (7, "segmentation", "Segmentation", "miou"),
            (8, "point_clouds", "Point clouds", "accuracy"),
        )
        for norm in NAMES
    ),
)  # fmt: skip
