"""`condlab verify`: put theorems of the catalogue on trial."""

from __future__ import annotations

import argparse
import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from condlab.cli import _claims, _files, _mutants, _options, _text

if TYPE_CHECKING:
    from condlab.theory.model import Theorem, Verdict


def add_parser(commands: _options.Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "verify",
        help="search theorems for counterexamples",
        description="Search theorems for counterexamples, sizes ascending; a search "
        "ends at the first size that has one.",
        epilog="A theorem holds if it survived at least one instance, and is "
        "inconclusive if there was none to try, or a violation inside rounding. The "
        "whole catalogue takes some twenty minutes on one core. The "
        "exit code is 0 whatever the verdicts.",
    )
    parser.add_argument(
        "keys",
        nargs="*",
        type=lambda key: key if _claims.is_file(key) else key.replace("_", "-"),
        metavar="KEY",
        help="theorems, or a file of your own, such as claims.py (default: the "
        "catalogue)",
    )
    _add_search(parser)
    parser.add_argument(
        "--export",
        type=Path,
        metavar="FILE",
        help="write counterexamples that check.py verifies without condlab",
    )
    parser.add_argument(
        "--mutate",
        action="store_true",
        help="of true claims, drop each hypothesis and move each constant instead",
    )
    _options.add_json(parser)
    _options.add_csv(parser)
    _options.add_figure(parser, "the verdicts, a row a theorem (png, svg, pdf)")
    _options.add_force(parser)
    parser.set_defaults(run=run)


def _add_search(parser: argparse.ArgumentParser) -> None:
    """Add where and how long to search."""
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=[1, 2, 3, 4, 5, 6],
        metavar="N,N-M",
        help="the largest dimensions to try, such as 1-6 or 2,4,8 (default: 1-6)",
    )
    parser.add_argument(
        "--max-examples",
        type=_positive,
        default=200,
        metavar="N",
        help="instances at each size (default: 200)",
    )
    parser.add_argument(
        "--seed",
        type=_natural,
        default=0,
        metavar="S",
        help="of the search (default: 0)",
    )


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"a positive number is needed, got {text!r}")
    return int(text)


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"a number from 0 is needed, got {text!r}")
    return int(text)


def _sizes(text: str) -> list[int]:
    """Return the sizes of "1-3,6", ascending."""
    sizes: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        low, high = _positive(first), _positive(last if dash else first)
        if not low <= high <= 1000:
            raise argparse.ArgumentTypeError(
                f"sizes ascend and end at 1000, got {part!r}"
            )
        sizes |= set(range(low, high + 1))
    return sorted(sizes)


def run(args: argparse.Namespace, progress: _text.StatusLine) -> str:
    """Return what the command prints."""
    _check_files(args)
    theorems = _claims.find(args.keys)
    if not args.keys:
        progress.in_lines()
    if args.mutate:
        return _mutants.run(theorems, args, progress)
    verdicts = [
        _trial(theorem, args, progress, f"{k} of {len(theorems)}")
        for k, theorem in enumerate(theorems, start=1)
    ]
    written = _written(args, verdicts)
    if args.csv == _files.PRINTED:
        return written[0]
    if args.json:
        return _text.as_json({"verdicts": [v.to_dict() for vs in verdicts for v in vs]})
    summary = _summary(theorems, verdicts)
    if not args.keys:
        return "\n\n".join([summary, *written])
    pages = [_page(t, vs) for t, vs in zip(theorems, verdicts, strict=True)]
    return "\n\n".join([summary, *pages, *written])


def _check_files(args: argparse.Namespace) -> None:
    _files.require_csv(args)
    if args.mutate and (args.csv or args.figure or args.export):
        raise ValueError(
            "--mutate prints a table, or --json; --csv, --figure and "
            "--export are of the claims themselves: leave them out"
        )
    if args.export is not None:
        _files.require_new(args.export, "--export", (".json",), force=args.force)
    if args.figure is not None:
        _files.require_new(args.figure, "--figure", _files.FIGURES, force=args.force)
        import condlab.plots  # noqa: F401 - that it can be drawn is known beforehand


def _written(args: argparse.Namespace, verdicts: list[list[Verdict]]) -> list[str]:
    """Return the table to be printed, or what was written."""
    said = []
    if args.csv is not None:
        rows = [v.to_dict() for vs in verdicts for v in vs]
        text = _files.put_csv(args.csv, rows)
        said.append(f"wrote {args.csv}" if text is None else text)
    if args.figure is not None:
        _draw(verdicts, args)
        said.append(f"wrote {args.figure}")
    if args.export is not None:
        said.append(_export(verdicts, args.export))
    return said


def _draw(verdicts: list[list[Verdict]], args: argparse.Namespace) -> None:
    from matplotlib.figure import Figure

    from condlab import plots
    from condlab.plots.style import WIDTH, style

    with style():
        size = (WIDTH, 1.2 + 0.2 * len(verdicts))
        figure = Figure(figsize=size, layout="constrained")
        plots.tightness({vs[0].theorem: vs for vs in verdicts}, figure.subplots())
        figure.savefig(args.figure)


def _export(verdicts: list[list[Verdict]], path: Path) -> str:
    """Write the certificates of all counterexamples, and tell of how many."""
    from condlab.theory import certificates

    fallen = [v[-1] for v in verdicts if v[-1].outcome == "falsified"]
    found, reasons = [], []
    for verdict in fallen:
        try:
            instance = verdict.counterexample
            found.append(certificates.certificate(verdict.theorem, instance))
        except ValueError as error:
            reasons.append(f"{verdict.theorem}: {error}")
    lines = [f"{len(found)} of {len(fallen)} counterexamples have a certificate."]
    if found:
        certificates.write(found, path)
        lines.append(f"python {certificates.CHECKER} {path}")
    return "\n".join([*lines, *(line for r in reasons for line in textwrap.wrap(r))])


def _trial(
    theorem: Theorem, args: argparse.Namespace, progress: _text.StatusLine, place: str
) -> list[Verdict]:
    """Return a verdict for each size up to the first that has a counterexample."""
    from condlab.theory import verify

    verdicts: list[Verdict] = []
    for size in args.sizes:
        progress(f"{place}: {theorem.key}, size {size}")
        verdicts += verify(
            theorem, sizes=[size], max_examples=args.max_examples, seed=args.seed
        )
        if verdicts[-1].outcome == "falsified":
            break
    return verdicts


def _summary(theorems: list[Theorem], verdicts: list[list[Verdict]]) -> str:
    from condlab.theory.model import overall

    rows = []
    for theorem, found in zip(theorems, verdicts, strict=True):
        tightest = max(
            found, key=lambda v: -1 if math.isnan(v.tightness) else v.tightness
        )
        rows.append(
            (
                theorem.key,
                overall((v.outcome, v.examples) for v in found),
                str(found[-1].size),
                str(sum(verdict.examples for verdict in found)),
                _text.number(tightest.tightness),
            )
        )
    header = ("theorem", "verdict", "size", "instances", "lhs/rhs")
    return _text.table(header, rows, {2, 3, 4})


def _page(theorem: Theorem, verdicts: list[Verdict]) -> str:
    """Return the statement, its source, and the counterexample or doubt."""
    width = _text.width()
    lines = [theorem.key, *textwrap.wrap(theorem.statement, width - 2)]
    lines += textwrap.wrap(f"[{theorem.reference}]", width - 2)
    if theorem.note:
        lines += textwrap.wrap(f"Note: {theorem.note}", width - 2)
    last = next((v for v in verdicts if v.counterexample is not None), None)
    if last is not None:
        lines.append(f"Counterexample of size {last.size}:")
        lines += _text.instance(theorem.parts, last.counterexample)
        lines += textwrap.wrap(last.certificate or "not certified", width - 2)
    else:
        lines += textwrap.wrap(_nothing_found(verdicts), width - 2)
    return "\n  ".join(lines)


def _nothing_found(verdicts: list[Verdict]) -> str:
    if any(verdict.examples for verdict in verdicts):
        return "No counterexample was found."
    sizes = ", ".join(str(verdict.size) for verdict in verdicts)
    return f"No instance of size {sizes} was found to try; try other --sizes."
