"""Run studies: ``python -m studies NAME --preset smoke|cpu|real|gpu|paper``.

``python -m studies analyse`` goes from the committed records to results, figures and
the README's table.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from studies.engine.arguments import STUDIES, parser

if TYPE_CHECKING:
    from studies.engine.options import Options

os.environ.setdefault("OMP_NUM_THREADS", "1")


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line says; return 0, 1 if runs failed, 2 on bad input."""
    given = parser().parse_args(arguments)
    if given.name == "analyse":
        return _analyse(given)
    try:
        from studies.engine import ranks

        options = _options(given)
    except ModuleNotFoundError as error:
        return _complain(f"{error}; install it with: pip install 'condlab[studies]'")
    names = STUDIES if given.name == "all" else (given.name,)
    try:
        with ranks.joined(given.timeout_minutes):
            try:
                return max(
                    ranks.together(partial(_run, name, options, as_json=given.json))
                    for name in names
                )
            except ranks.RankLostError:
                raise
            except (ValueError, OSError, ImportError) as error:
                if ranks.rank() == 0:  # all have the same
                    _complain(str(error))
                ranks.gathered(None)  # torchrun stops all when the first one ends
                return 2
    except ranks.RankLostError as error:
        return _complain(str(error))


def _options(given: argparse.Namespace) -> Options:
    """Return how to run, as the command line says it."""
    from studies.engine.configs import Choice
    from studies.engine.options import Options

    return Options(
        preset=given.preset,
        data=given.data,
        out=given.out,
        budget_seconds=given.budget_seconds,
        place=given.device,
        jobs=given.jobs,
        backend=given.backend,
        cluster=given.cluster,
        tensorboard=given.tensorboard,
        seeds=given.seeds,
        accumulate=given.accumulate,
        fresh=given.fresh,
        status=given.status,
        choice=Choice(
            given.arms,
            given.rates,
            given.steps,
            given.dataset,
            given.optimiser,
            given.network,
        ),
    )


def _analyse(given: argparse.Namespace) -> int:
    """Write what the records say, and where a report is, draw it anew."""
    if given.costs is not None and not given.costs.is_file():
        return _complain(f"--costs needs a file, and there is no {given.costs}")
    try:
        from condlab.report import pages, sections
        from studies.analysis import blocks, meta_analysis
        from studies.figures import draw

        costs = given.costs or meta_analysis.COSTS
        path = meta_analysis.main(given.results, costs=costs)
        print(path)
        if (given.figures / "data").is_dir():
            found = json.loads(path.read_text("utf-8"))
            drawn = draw(found, given.figures)
            names = [figure.stem for figure in drawn]
            drawn.append(sections.write(blocks.section(found, names), given.figures))
            for page in filter(Path.is_file, given.pages):
                pages.rewrite(page, blocks.parts(found))
            print(*drawn, sep="\n")
    except (ValueError, OSError, ImportError) as error:
        return _complain(str(error))
    return 0


def _run(name: str, options: Options, *, as_json: bool) -> int:
    """Run a study and print its records; return 1 if runs failed."""
    from studies.engine.attempts import RunsFailedError
    from studies.engine.store import to_line
    from studies.engine.summary import tables

    failed = None
    try:
        records = importlib.import_module(f"studies.{name}").main(options)
    except RunsFailedError as error:
        failed, records = error, error.records
    if os.environ.get("RANK", "0") == "0" and not options.status:
        if as_json:
            sys.stdout.writelines(map(to_line, records))
        else:
            print(tables(records))
        if failed is not None:
            print(f"studies: {failed}", file=sys.stderr)
    return 0 if failed is None else 1


def _complain(message: str) -> int:
    print(f"studies: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
