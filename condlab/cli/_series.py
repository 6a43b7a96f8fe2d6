"""How a Hessian moves along checkpoints of one network."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from condlab.cli import _curvature, _models, _spectrum_page, _text
from condlab.types import Record

if TYPE_CHECKING:
    from torch import Tensor

    from condlab.curvature import Examination

LEADING = 3


@dataclass(frozen=True, slots=True)
class Span:
    """The span of leading eigenvectors, and the largest sine that it may be off."""

    vectors: Tensor  # (n, k), orthonormal
    sine: float


def run(
    args: argparse.Namespace, problem: _models.Problem, progress: _text.StatusLine
) -> str:
    """Return what is printed of several checkpoints, having drawn the figure."""
    names = _names(args.checkpoint)
    size = sum(p.numel() for p in problem.module.parameters() if p.requires_grad)
    k = args.leading or min(LEADING, size)
    if k > size:
        raise ValueError(
            f"--leading must be at most {size}, the number of parameters, got {k}"
        )
    for path in args.checkpoint:  # all fit, before any work
        _models.restore(problem, path)
    records: list[Record] = []
    spans: list[Span] = []
    title = ""
    for name, path in zip(names, args.checkpoint, strict=True):
        _models.restore(problem, path)

        def say(label: str, name: str = name) -> None:
            progress(f"{name}: {label}")

        record, look = _curvature.examined(args, problem, say, vectors=k)
        spans.append(_span(look))
        title = title or _spectrum_page.head(args.model, look)
        moved = {
            "before": overlap(spans[-2], spans[-1]) if records else None,
            "first": overlap(spans[0], spans[-1]) if records else None,
        }
        records.append({"checkpoint": str(path), **record, "overlap": moved})
    if args.figure is not None:
        from condlab.plots.checkpoints import draw_checkpoints

        draw_checkpoints(records, names, args.figure, title=args.model, leading=k)
    if args.json:
        return _text.as_json(
            {"model": args.model, "leading": k, "checkpoints": records}
        )
    return _page(title, records, names, args.figure, k)


def _names(paths: Sequence[Path]) -> list[str]:
    """Return short names, whole paths where those would be the same."""
    short = [path.name for path in paths]
    if len(set(short)) == len(short):
        return short
    return [str(path) for path in paths]


def _span(look: Examination) -> Span:
    from condlab.curvature import SphereOperator

    spectrum = look.condition.spectrum
    pairs = None if spectrum is None else spectrum.pairs
    assert pairs is not None  # vectors were asked for
    H, vectors = look.gauged, pairs.vectors
    if isinstance(H, SphereOperator):
        vectors = H.tangents(vectors)
    return Span(vectors, pairs.span_sine)


def overlap(first: Span, second: Span) -> dict[str, float]:
    """Return the mean squared cosine between two spans, and what is certain of it.

    It is tr(PQ)/k for the projectors P and Q, and each of these is off, in the 2-norm,
    by at most the sine.
    """
    U, V = first.vectors.double(), second.vectors.double()
    squares = float((U.T @ V).square().sum()) / min(U.shape[1], V.shape[1])
    off = first.sine + second.sine
    return {
        "value": min(squares, 1.0),
        "lower": max(squares - off, 0.0),
        "upper": min(squares + off, 1.0),
    }


def _page(
    title: str,
    records: list[Record],
    names: list[str],
    figure: Path | None,
    k: int,
) -> str:
    rows = [
        [
            name,
            _bracket(record["lambda_max"]),
            _bracket(record["kappa_nonnull"]),
            str(record["nullity"]),
            *_overlaps(record["overlap"]),
        ]
        for name, record in zip(names, records, strict=True)
    ]
    head = ["checkpoint", "lambda_max in", "kappa off nulls in", "nulls"]
    table = _text.table([*head, "overlap", "certainly in"], rows, {3, 4})
    notes = [
        f"overlap: the mean squared cosine between the spans of the {k} eigenvectors "
        "of largest |eigenvalue|, here and one checkpoint before",
        *_changes(records),
    ]
    lines = [_text.wrapped(note) for note in notes]
    if figure is not None:
        lines.append(f"wrote {figure}")
    return "\n".join([_text.wrapped(title), "", table, "", *lines])


def _bracket(entry: dict[str, float]) -> str:
    return _text.bracket(entry["lower"], entry["upper"])


def _overlaps(moved: Record) -> list[str]:
    one = moved["before"]
    return ["", ""] if one is None else [_text.number(one["value"], 3), _bracket(one)]


def _changes(records: list[Record]) -> list[str]:
    """Return by what the first and the last differ for certain."""
    notes = []
    for key, name in (("lambda_max", "lambda_max"), ("kappa_nonnull", "kappa")):
        first, last = records[0][key], records[-1][key]
        if last["lower"] > first["upper"]:
            notes.append(f"{name} has risen for certain from the first to the last")
        elif last["upper"] < first["lower"]:
            notes.append(f"{name} has fallen for certain from the first to the last")
        else:
            notes.append(f"whether {name} has risen or fallen is not determined")
    if records[-1]["sharpness"] is not None:
        last = records[-1]["sharpness"]
        edge = _text.number(last["two_over_lr"])
        notes.append(f"sharpness of the last against 2/lr = {edge}: {last['verdict']}")
    return notes
