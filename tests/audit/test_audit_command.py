"""`condlab audit`, its record, the table and the pages."""

import json
from pathlib import Path

import pytest

from condlab.audit import KINDS, SUBJECTS
from condlab.audit.subjects import is_there
from condlab.cli import main

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "benchmarks" / "results" / "audit.json"


@pytest.fixture(scope="module")
def record():
    return json.loads(RECORD.read_text(encoding="utf-8"))


def test_subjects_by_name_get_a_table_and_what_was_off(capsys):
    assert main(["audit", "numpy.linalg.cond"]) == 0
    out = capsys.readouterr().out
    assert "subject            kind      right  flagged  silently wrong  refuses" in out
    assert "silently wrong, cond_1 of huge sums: inf, truth 2" in out


def test_json_is_the_record(capsys):
    assert main(["audit", "scipy.linalg.lapack.gecon", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (subject,) = found["subjects"]
    assert subject["name"] == "scipy.linalg.lapack.gecon"
    assert found["pairs"] == sum(
        row[v]
        for row in subject["kinds"]
        for v in ("right", "flagged", "silently wrong", "refuses")
    )


def test_a_subject_that_is_no_subject_is_said_with_those_near_it(capsys):
    assert main(["audit", "numpy.linalg.condition"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("condlab: 'numpy.linalg.condition' is none of the ")
    assert "'numpy.linalg.cond'" in err
    assert err.count("\n") == 1


def test_an_absent_package_is_said_and_skipped(capsys, monkeypatch):
    monkeypatch.setattr("condlab.audit.trial.is_there", lambda subject: False)
    assert main(["audit", "jax.hessian"]) == 0
    out = capsys.readouterr().out
    assert "1 of the subjects is absent: jax" in out
    assert "pip install 'condlab[audit]'" in out


def test_every_subject_can_be_asked_whether_it_is_there():
    assert is_there(SUBJECTS["numpy.linalg.cond"])
    assert all(is_there(subject) in (True, False) for subject in SUBJECTS.values())


def test_the_record_is_as_wide_as_it_should_be(record):
    rows = [row for subject in record["subjects"] for row in subject["kinds"]]
    assert len(record["subjects"]) >= 20
    assert len({row["kind"] for row in rows}) == len(KINDS) >= 8
    assert record["pairs"] >= 400


def test_every_silently_wrong_answer_of_the_record_has_its_input_and_a_confirmed_truth(
    record,
):
    silent = [x for s in record["subjects"] for x in s["off"]]
    silent = [x for x in silent if x["verdict"] == "silently wrong"]
    assert len(silent) > 20
    for x in silent:
        assert x["input"]
        assert x["certificate"]
        assert x["confirmed"] is not None
        assert x["confirmed"] < 1e-6


def test_the_record_has_no_silently_wrong_answer_of_condlab(record):
    own = [s for s in record["subjects"] if s["package"] == "condlab"]
    assert len(own) >= 8
    off = [x for s in own for x in s["off"] if x["verdict"] == "silently wrong"]
    assert off == []


def test_table_and_pages_are_those_of_the_record(record, tmp_path):
    report = pytest.importorskip("condlab.report.audit", exc_type=ImportError)
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert report.table(record) in text
    for path in report.write_pages(record, tmp_path):
        kept = ROOT / "docs" / "audit" / path.name
        assert kept.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")
    pages = list((ROOT / "docs" / "audit").glob("*.md"))
    assert len(pages) == len(record["subjects"]) + 1  # and the one that lists them


def test_another_record_gives_another_table(record):
    report = pytest.importorskip("condlab.report.audit", exc_type=ImportError)
    changed = json.loads(json.dumps(record))
    changed["subjects"][0]["kinds"][0]["silently wrong"] = 77
    changed["subjects"][0]["kinds"][0]["worst"] = 12345.0
    assert "| 77 |" in report.table(changed)
    assert "1.23e+04" in report.table(changed)
    assert "| 77 |" not in report.table(record)


def test_pages_of_subjects_that_are_gone_are_removed(record, tmp_path):
    report = pytest.importorskip("condlab.report.audit", exc_type=ImportError)
    (tmp_path / "gone.md").write_text("a page of another day")
    report.write_pages(record, tmp_path)
    assert not (tmp_path / "gone.md").exists()


def test_the_section_of_the_report_is_that_of_the_record(record, tmp_path):
    report = pytest.importorskip("condlab.report.audit", exc_type=ImportError)
    from condlab.report import sections

    path = sections.write(report.section(record), tmp_path)
    kept = ROOT / "figures" / "data" / "sections" / path.name
    assert kept.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")
    (found,) = sections.read(tmp_path)
    rows = sum(len(subject["kinds"]) for subject in record["subjects"])
    assert len(found.blocks[1].rows) == rows


def test_a_page_has_promise_smallest_input_failures_and_what_to_use_instead(record):
    report = pytest.importorskip("condlab.report.audit", exc_type=ImportError)
    subject = next(
        s for s in record["subjects"] if s["name"] == "matfree.eig.eigh_partial"
    )
    page = report.page(subject, record["kinds"])
    heads = [line for line in page.splitlines() if line.startswith("## ")]
    assert heads == [
        "## What it promises",
        "## What it was asked",
        "## The smallest input",
        "## Where it fails",
        "## Instead",
    ]
    assert "112.569152856, truth 2 (factor 56.3)" in page
    assert page.endswith("Use more steps, and a look at the residual.\n")
