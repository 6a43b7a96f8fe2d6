"""Every row of the sources' tables and figures: whole, runnable, and told honestly."""

import importlib
import re
import shlex
from collections import Counter

import pytest

from studies.__main__ import _options
from studies.analysis.published import ITEMS, rows_of, table
from studies.analysis.published.items import Item
from studies.engine.arguments import parser
from studies.engine.configs import chosen

# Of each source: how many figures and tables it numbers.
NUMBERED = {"weight conditioning": (7, 4), "associate": (5, 5), "weight stand": (6, 8)}
# Rows of the tables as printed, one for each of its data sets, networks or sizes.
ROWS = {
    "weight conditioning": {1: 8, 2: 8, 3: 3, 4: 16},
    "associate": {1: 5, 2: 10, 3: 18, 4: 2, 5: 4},
    "weight stand": {1: 9, 2: 12, 3: 4, 4: 9, 5: 9, 6: 4, 7: 4, 8: 4},
}


def of(source):
    return [item for item in ITEMS if item.source.startswith(source)]


def numbers(source, kind):
    """Return the numbers in "Figure 3", "Figures 2 and 3"."""
    places = [re.match(rf"{kind}s? (\d)(?: and (\d))?", i.where) for i in of(source)]
    return {int(n) for found in places if found for n in found.groups() if n}


@pytest.mark.parametrize("source", NUMBERED)
def test_no_table_and_no_figure_is_left_out(source):
    figures, tables = NUMBERED[source]
    assert numbers(source, "Figure") == set(range(1, figures + 1))
    assert numbers(source, "Table") == set(range(1, tables + 1))


@pytest.mark.parametrize("source", ROWS)
def test_a_table_has_as_many_rows_as_it_is_printed_with(source):
    count = Counter()
    for item in of(source):
        if found := re.match(r"Table (\d)", item.where):
            count[int(found[1])] += len(item.rows)
    assert count == ROWS[source]


COMMANDS = sorted(
    {(i.study, arm, i.command(arm)) for i in ITEMS if i.study for arm in i.rows}
)


@pytest.mark.parametrize(("study", "arm", "command"), COMMANDS)
def test_a_rows_command_runs_that_arm(study, arm, command):
    program, *arguments = shlex.split(command.removeprefix("python -m "))
    options = _options(parser().parse_args(arguments))
    made = importlib.import_module(f"studies.{study}").PRESETS["paper"]
    runs = chosen(made, options.choice)
    assert program == "studies"
    assert {config.arm for config in runs} == {arm}


def test_a_row_that_is_shown_needs_no_runs_and_one_that_is_not_says_what_it_needs():
    for item in ITEMS:
        assert bool(item.shown) != bool(item.needs)
        assert not (item.shown and item.study)


def run(seed, value, lr=0.1, preset="real", **config):
    return {
        "study": "inception",
        "preset": preset,
        "status": "done",
        "config": {
            "arm": "E", "lr": lr, "seed": seed, "steps": 9, "batch": 64, "width": 1,
            "data": "cifar10_16", **config,
        },
        "series": {"accuracy": [[0, 0.1], [9, value]]},
    }  # fmt: skip


ITEM = Item(
    "a paper", "Table 1", "top-1, %", {"E": "83.3", "WS": "82.9"}, "inception",
    "--rates 0.001", "a GPU", {"data": "cifar10_16"},
)  # fmt: skip


def test_runs_of_the_arm_stand_in_at_the_rate_of_the_best_median():
    runs = [run(s, 0.6 + 0.01 * s) for s in range(3)]
    runs += [run(s, 0.3, lr=0.01) for s in range(3)]
    runs += [run(s, 0.9, data="digits") for s in range(3)]
    first, second = rows_of([ITEM], runs)
    assert first["here"].startswith("accuracy 0.61 [")
    assert first["seen"].startswith("CIFAR-10, 16 × 16 pixels; Inception")
    assert (first["status"], second["status"]) == ("stand-in", "out of reach")
    assert second["command"].endswith("--preset paper --rates 0.001 --arms WS")


def test_better_evidence_is_told_and_one_seed_has_no_interval():
    (row, _) = rows_of([ITEM], [run(0, 0.5, preset="cpu"), run(0, 0.7)])
    assert row["here"] == "accuracy 0.7"


def test_the_table_counts_what_it_has():
    text = table(rows_of([ITEM], [run(0, 0.7)]))
    assert text.startswith("2 rows: 0 shown, 1 stand-in, 1 out of reach.")
    assert "## A paper" in text
    assert table([]) == ""
