"""The page on performance says what the committed records say, misses included."""

import copy
import re

import pytest

from benchmarks import performance_page
from benchmarks.pages.performance import CURVES, ROWS, Curve, Row


@pytest.fixture(scope="module")
def records():
    return performance_page.read()


def test_the_page_is_what_the_records_make_of_it(records):
    assert set(records) == {*ROWS, *CURVES}
    assert performance_page.PAGE.read_text("utf-8") == performance_page.page(records)


def test_another_record_gives_another_page(records):
    changed = copy.deepcopy(records)
    changed["hessian"]["kappa, 9,842 parameters"]["condlab factored"]["seconds"] = 7777
    text = performance_page.page(changed)
    assert "7777 s" in text
    assert "7777 s" not in performance_page.page(records)


def test_every_miss_is_said_twice_and_nothing_else_is(records):
    text = performance_page.page(records)
    rows, _, rest = text.partition("## What is missed")
    missed = [
        line.split(" | ")[0][2:] for line in rows.split("\n") if "| missed |" in line
    ]
    assert (
        re.findall(r"^- (.*): \S+(?: s| MB)?, aimed at", rest, re.MULTILINE) == missed
    )
    aimed = len(missed) + rows.count("| met |")
    assert f"{len(missed)} of {aimed} targets are missed" in rest


def test_a_ratio_is_missed_by_the_digits_that_are_shown():
    assert not Row("w", 1.0049, 1.0, {"peer": 1.0}, over="peer").is_missed
    assert Row("w", 1.0051, 1.0, {"peer": 1.0}, over="peer").is_missed
    assert not Row("w", 5.0, None, {"peer": 1.0}, over="peer").is_missed
    assert Row("w", 5.0, 4.9).is_missed
    assert not Row("w", 5.0, 4.9, {"peer": 2.0}, over="peer").is_missed
    assert Row("w", 5.0, 4.9, {"peer": 2.0}, over="peer", ratio=4.95).is_missed


def test_the_exponent_of_a_power_is_the_power():
    sizes = [10, 100, 200, 3000]
    cubic = Curve("work", "n", sizes, [1e-9 * n**3 for n in sizes])
    assert cubic.exponent() == pytest.approx(3, rel=1e-12)
    late = cubic._replace(seconds=[1.0, 1.0, 1.0, 15.0])
    assert late.last_exponent() == pytest.approx(1, rel=1e-12)
