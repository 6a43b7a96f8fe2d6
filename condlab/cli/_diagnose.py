"""`condlab diagnose`: who is to blame, and which scaling helps what is done next."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from condlab.cli import _files, _options, _sources, _text
from condlab.diagnosis import PURPOSES, Diagnosis, diagnose, is_programme

NO_PURPOSE = "culprits"


def add_parser(commands: _options.Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "diagnose",
        help="lines to blame for a condition number, and the scaling that helps",
        description="Name the rows and columns that the condition number of a matrix "
        "comes from, and the scaling that helps what is done with it: each is run, and "
        'the advice is "none" where nothing is better by a margin. SOURCE may be a '
        "programme, too: a file .mps or .mps.gz, read by HiGHS if it is installed.",
    )
    _sources.add_source(parser)
    parser.add_argument(
        "--purpose",
        choices=[*PURPOSES, "all", NO_PURPOSE],
        action="append",
        help="what the matrix is scaled for; culprits runs nothing; may be repeated "
        "(default: all that the matrix allows)",
    )
    parser.add_argument(
        "--tol",
        type=float,
        default=1e-8,
        help="the residual, relative to the right-hand side and in its own units, at "
        "which iterations end (default: 1e-8)",
    )
    parser.add_argument(
        "--max-steps",
        type=int,
        metavar="N",
        help="of an iteration (default: 10 per row, at most 10,000; gmres at most 300)",
    )
    parser.add_argument(
        "--time-limit",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="of the search of the best scaling; 0 leaves it out (default: 10)",
    )
    _options.add_force(parser)
    _options.add_csv(parser)
    _options.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, progress: _text.StatusLine) -> str:
    """Return what the command prints, having written the file that is asked for."""
    _files.require_csv(args)
    progress(f"reading {args.source}")
    programme = is_programme(args.source)
    A = args.source if programme else _sources.load(args.source, args.array)
    found = diagnose(
        A,
        purpose=_purposes(args.purpose),
        tol=args.tol,
        max_steps=args.max_steps,
        time_limit=args.time_limit,
        progress=progress,
    )
    if args.json:
        return _text.as_json({"source": args.source, **found.to_dict()})
    m, n = found.shape
    head = f"{args.source}: {m} constraints of {n} variables"
    head = head if programme else _sources.describe(args.source, A)
    if args.csv is not None:
        text = _files.put_csv(args.csv, _rows(args.source, found))
        return f"{head}\n\nwrote {args.csv}" if text is None else text
    return "\n\n".join([head, *_page(found)])


def _purposes(asked: list[str] | None) -> str | list[str] | None:
    """Return what is asked for, one purpose alone as a word, so that it can fail."""
    if asked is None or "all" in asked:
        return None
    named = list(dict.fromkeys(name for name in asked if name != NO_PURPOSE))
    return named[0] if len(named) == 1 else named


def _page(found: Diagnosis) -> Iterator[str]:
    lines = found.table()
    if len(lines) > 1:
        yield _text.table(lines[0], lines[1:], set())
    yield "\n".join(map(_text.wrapped, found.notes()))
    for advice in found.advice:
        head, *attempts = advice.table()
        table = _text.table(head, attempts, set(range(1, len(head))))
        yield f"{table}\n{_text.wrapped(advice.reason)}"
    if found.undefined:
        missing = (f"{name}: {why}" for name, why in found.undefined.items())
        yield "\n".join(map(_text.wrapped, missing))


def _rows(source: str, found: Diagnosis) -> Iterator[dict[str, object]]:
    """Yield a row a culprit and a row a attempt."""
    for line in found.culprits:
        yield {"source": source, "record": "culprit", **line.to_dict()}
    for advice in found.advice:
        for attempt in advice.attempts:
            yield {
                "source": source,
                "record": "attempt",
                "purpose": advice.purpose,
                "scaling": attempt.scaling,
                "advised": attempt.scaling == advice.scaling,
                "kappa": attempt.kappa.value,
                **attempt.measured,
            }
