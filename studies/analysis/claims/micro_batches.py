"""What weight standardization's paper says of few images at a time, as questions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from statistics import fmean

from studies.analysis.claims.differences import BySeed, error
from studies.analysis.claims.standardization import STANDARDIZATION
from studies.analysis.contrasts import Contrast, at_best, minus
from studies.analysis.runs import grouped
from studies.engine.records import Record

STUDY = "micro_batches"


def lower(arm: str, than: str, records: Sequence[Record]) -> BySeed:
    """Return by how much an arm's test error is lower, each at its own best rate.

    The mean over networks, where there are several.
    """
    gaps: dict[int, list[float]] = {}
    for own in grouped(records, lambda r: r["config"].get("network")).values():
        ends = (at_best(error(own, name), largest=False) for name in (than, arm))
        for seed, gap in minus(*ends).items():
            gaps.setdefault(seed, []).append(gap)
    return {seed: fmean(found) for seed, found in gaps.items()}


def _asked(key: str, claim: str, arm: str, than: str, **about: object) -> Contrast:
    return Contrast(
        f"micro-batches-{key}",
        claim,
        STANDARDIZATION,
        STUDY,
        "points of test error",
        partial(lower, arm, than),
        about,
    )


# Of Qiao, Wang, Liu, Shen and Yuille (2019): sections 1 and 3.1, tables 1 and 3.
CONTRASTS = (
    _asked("gn", "Group norm: less error with standardized weights", "GN+WS", "GN"),
    _asked("bn", "Batch norm of large batches: less error with standardized weights",
           "BN+WS@32", "BN@32"),
    _asked("large", "Group norm and standardized weights on one image at a time "
           "outperform batch norm of large batches", "GN+WS", "BN@32"),
    *(
        _asked(f"{norm.lower()}-{micro}", f"Group norm and standardized weights "
               f"outperform {words} on {images}", "GN+WS", f"{norm}@{micro}")
        for norm, words in (("BN", "batch norm"), ("renorm", "batch renormalisation"))
        for micro, images in ((1, "one image at a time"), (2, "two images at a time"))
    ),
    *(
        _asked(f"needs-{norm.lower()}-{micro}", f"{words} needs large batches: less "
               f"error on 32 images at a time than on {micro}",
               f"{norm}@32", f"{norm}@{micro}")
        for norm, words in (("BN", "Batch norm"), ("renorm", "Batch renormalisation"))
        for micro in (2, 1)
    ),
    *(
        _asked(f"table-3-{depth}", f"ResNeXt-{depth}, group norm: less error with "
               "standardized weights", "GN+WS", "GN", network=f"resnext{depth}")
        for depth in (50, 101)
    ),
)  # fmt: skip
