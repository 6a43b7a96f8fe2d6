"""`condlab list`, `verify` and `report`: what can be asked for, and what came out."""

from __future__ import annotations

import math
import re
import sys
from types import SimpleNamespace

import numpy as np

import condlab
from condlab.cli import _text
from condlab.collection import COLLECTION
from condlab.gallery import GALLERY
from condlab.report.summary import outcome
from tests.cli.printed import parse_json


def test_list_names_everything_that_can_be_asked_for(run):
    text = run("list")
    assert all(name in text for name in [*GALLERY, *COLLECTION])
    assert "wc-thm5.1-rows" in text
    assert max(map(len, text.splitlines())) <= 80


def test_list_gives_one_kind_as_json(run):
    record = parse_json(run("list", "builtin", "--json"))
    assert list(record) == ["builtin"]
    assert list(record["builtin"]) == list(COLLECTION)


def test_list_without_the_theory_extra_says_what_to_install(run, monkeypatch):
    for name in [m for m in sys.modules if m.startswith("condlab.theory")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flint", None)
    monkeypatch.delitem(vars(condlab), "theory", raising=False)
    text = run("list")
    assert "hilbert" in text
    assert "pip install 'condlab[theory]'" in text.replace("\n" + " " * 24, " ")


def test_verify_prints_a_counterexample_with_its_certificate(run):
    text = run("verify", "wc-thm5.1-rows", "--sizes", "1-4", "--max-examples", "100")
    assert re.search(r"wc-thm5.1-rows +falsified +3 ", text)
    assert "Counterexample of size 3:" in text
    assert "A = [[" in text
    assert "ball arithmetic" in text
    assert max(map(len, text.splitlines())) <= 80


def test_verify_as_json_stops_at_the_first_counterexample(run):
    text = run("verify", "wc-thm5.1-rows", "--sizes", "2,3,6", "--json")
    verdicts = parse_json(text)["verdicts"]
    assert [v["size"] for v in verdicts] == [2, 3]
    assert [v["outcome"] for v in verdicts] == ["holds", "falsified"]
    A = np.array(verdicts[1]["counterexample"][0])
    assert max(A.shape) == 3


def test_verify_of_a_true_theorem_says_that_nothing_was_found(run):
    text = run("verify", "vandersluis1969-rows-2norm", "--sizes", "2", "--seed", "3")
    assert re.search(r"vandersluis1969-rows-2norm +holds", text)
    assert "No counterexample was found." in text


def test_verify_without_an_instance_is_inconclusive_as_in_the_report(run):
    arguments = ("verify", "ws-eps-paper-code", "--sizes", "1")
    text = run(*arguments)
    assert re.search(r"ws-eps-paper-code +inconclusive +1 +0 ", text)
    assert "No instance of size 1 was found to try; try other --sizes." in text
    (verdict,) = parse_json(run(*arguments, "--json"))["verdicts"]
    assert (verdict["outcome"], verdict["examples"]) == ("inconclusive", 0)
    assert verdict["reason"] == "no instance of size 1 was found to try"
    assert outcome({"verdicts": [verdict]}) == "inconclusive"


def test_help_says_what_exit_codes_mean(run):
    assert "2 for bad usage" in " ".join(run("--help").split())
    text = " ".join(run("verify", "--help").split())
    assert "exit code is 0 whatever the verdicts" in text


def test_report_passes_on_where_to_write(run, tmp_path, monkeypatch):
    calls = []
    fake = SimpleNamespace(build=lambda **options: calls.append(options))
    monkeypatch.setitem(sys.modules, "condlab.report", fake)
    monkeypatch.setattr(condlab, "report", fake, raising=False)
    readme = tmp_path / "README.md"
    readme.touch()
    text = run("report", "--out", str(tmp_path / "out"), "--pages", str(readme))
    assert calls[0]["out"] == tmp_path / "out"
    assert calls[0]["pages"] == [readme]
    assert callable(calls[0]["progress"])
    assert f"wrote {tmp_path / 'out' / 'report.html'}" in text


def test_numbers_that_are_no_json_become_strings_and_null():
    text = _text.as_json({"a": [math.inf, -math.inf, math.nan, np.float64(1)], "b": 1j})
    assert parse_json(text) == {"a": ["inf", "-inf", None, 1.0], "b": "1j"}


def test_parts_of_a_counterexample_without_a_name_are_numbered():
    lines = _text.instance(["A"], (np.eye(2), 0.5))
    assert lines == ["  A = [[1., 0.],", "       [0., 1.]]", "  part 2 = 0.5"]


def test_theorems_are_known_by_names_with_underscores_too(run):
    options = ("--sizes", "1", "--max-examples", "5")
    expected = run("verify", "ws-eps-paper-code", *options)
    assert run("verify", "ws_eps_paper_code", *options) == expected
