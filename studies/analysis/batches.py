"""Test errors against how many images a normalisation sees at a time."""

from __future__ import annotations

from collections.abc import Iterable

from studies.analysis.claims.association import RATE
from studies.analysis.claims.differences import error
from studies.analysis.entries import Ends
from studies.analysis.labels import data_words
from studies.analysis.runs import grouped
from studies.engine.records import Record

STUDIES = ("associate_normalization", "micro_batches")


def errors_by_images(records: Iterable[Record]) -> list[Ends]:
    """Return the errors at the sources' rate, a row a norm and number of images."""
    own = [
        record
        for record in records
        if record["study"] in STUDIES and record["config"]["lr"] == RATE
    ]
    groups = grouped(
        own,
        lambda r: (
            *(r["study"], r["preset"], r["config"].get("data", "")),
            *(r["config"].get("network"), *seen_by(r), r["config"]["arm"]),
        ),
    )
    return [
        {
            "study": study,
            "preset": preset,
            "data": data_words([data]),
            "norm": norm,
            "images": images,
            "errors": list(error(runs, arm).values()),
        }
        for (study, preset, data, _, norm, images, arm), runs in groups.items()
    ]


def seen_by(record: Record) -> tuple[str, int | None]:
    """Return a run's norm and how many images it sees; None where it sees one anyway.

    Examples
    --------
    >>> seen_by({"study": "micro_batches", "config": {"arm": "BN+WS@8"}})
    ('BN+WS', 8)
    """
    config = record["config"]
    if record["study"] == "micro_batches":
        norm, _, images = config["arm"].partition("@")
        return norm, int(images) if images else None
    return config["arm"], config.get("batch")
