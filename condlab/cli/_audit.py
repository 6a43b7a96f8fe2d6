"""`condlab audit`: put public functions of other libraries on trial."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

from condlab.cli import _options, _text

if TYPE_CHECKING:
    from condlab.audit import Judgement

WORKERS = 2


def add_parser(commands: _options.Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "audit",
        help="put other libraries on trial",
        description="Ask public functions, condlab's among them, for condition "
        "numbers, eigenvalues, traces and Hessians whose values are certain.",
        epilog="Right is what keeps the promise of the documentation; flagged what is "
        "off with a warning or a status; silently wrong what is off without. Subjects "
        "whose package is absent are skipped and named; pip install 'condlab[audit]' "
        "brings them. All of them take some minutes. The exit code is 0 whatever the "
        "verdicts.",
    )
    parser.add_argument(
        "subjects",
        nargs="*",
        metavar="SUBJECT",
        help="such as numpy.linalg.cond (default: all)",
    )
    _options.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, progress: _text.StatusLine) -> str:
    """Return the verdicts."""
    from condlab.audit import AdapterError, audit, record

    try:
        found = audit(args.subjects, progress, workers=1 if args.subjects else WORKERS)
    except AdapterError as error:
        raise ValueError(str(error)) from error
    if args.json:
        return _text.as_json(record(found))
    parts = [_table(found.judgements)] if found.judgements else []
    parts += [_wrong(found.judgements)] if args.subjects else []
    if found.absent:
        packages = ", ".join(sorted(set(found.absent.values())))
        one = "is" if len(found.absent) == 1 else "are"
        parts.append(
            f"{len(found.absent)} of the subjects {one} absent: {packages}. Install "
            "them with: pip install 'condlab[audit]'"
        )
    return "\n\n".join(filter(None, parts))


def _table(judgements: Iterable[Judgement]) -> str:
    from condlab.audit import VERDICTS

    counts: dict[tuple[str, str], list[int]] = {}
    for judgement in judgements:
        row = counts.setdefault((judgement.subject, judgement.kind), [0] * 4)
        row[VERDICTS.index(judgement.verdict)] += 1
    rows = [(*key, *map(str, row)) for key, row in counts.items()]
    return _text.table(("subject", "kind", *VERDICTS), rows, {2, 3, 4, 5})


def _wrong(judgements: Iterable[Judgement]) -> str:
    """Return a line for each answer that is off or missing, as wide as the screen."""
    lines = []
    for j in judgements:
        if j.verdict == "right":
            continue
        values = "" if j.answer is None else f": {j.answer:.6g}"
        values += "" if j.truth is None else f", truth {j.truth:.6g}"
        note = f" ({j.note})" if j.note else ""
        lines += textwrap.wrap(
            f"{j.verdict}, {j.kind} of {j.problem}{values}{note}",
            _text.width(),
            subsequent_indent="  ",
        )
    return "\n".join(lines)
