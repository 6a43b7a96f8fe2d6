"""What arms cost is told from the benchmark's file, and by nobody's hand."""

import json
from pathlib import Path

import pytest

from studies.__main__ import main
from studies.analysis import costs, meta_analysis
from studies.analysis.blocks import section, studies_block
from studies.engine.store import write_lines
from tests.studies.analysis.made_records import records as runs

MEASURED = Path(__file__).parents[3] / "benchmarks" / "results" / "training_step.json"


@pytest.fixture(scope="module")
def measured():
    return json.loads(MEASURED.read_text(encoding="utf-8"))


def label(block):
    return getattr(block, "label", "")


def test_each_network_has_a_row_an_arm_with_the_files_numbers(measured):
    rows = costs.cells(measured)
    networks = [found for found in measured.values() if "training" in found]
    assert len(rows) == sum(len(found["training"]) - 1 for found in networks) == 9
    first, found = rows[0], measured["resnet18"]
    assert f"{found['parameters']:,} parameters" in first[0]
    ratio, arm = found["training"]["conditioned"]["ratio"], first[1]
    assert first[2].startswith(f"{ratio:.2f} [")
    assert first[3] == f"{found['peak_ratio']['conditioned']:.2f}"
    assert arm.startswith("E")
    assert not any(row[1] == "plain" for row in rows)


def test_another_file_gives_another_table(measured):
    changed = json.loads(json.dumps(measured))
    changed["nerf"]["training"]["weight_norm"]["ratio"] = 7.25
    changed["environment"]["gpu"] = "some <GPU>"
    assert "7.25 [" in costs.table(changed)
    assert "7.25 [" not in costs.table(measured)
    assert "some <GPU>" in costs.words(changed)


def test_the_analysis_the_page_and_the_tables_take_the_costs_up(measured, tmp_path):
    write_lines(tmp_path / "results" / "inception" / "cpu.jsonl", runs())
    path = meta_analysis.main(tmp_path / "results", costs=MEASURED)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert costs.table(found["costs"]) == costs.table(measured)
    assert costs.table(measured) in studies_block(found)
    (table,) = (b for b in section(found, []).blocks if label(b) == "Costs of arms")
    assert [list(row) for row in table.rows] == costs.cells(measured)


def test_without_a_file_there_is_no_table_and_a_missing_one_is_said(tmp_path, capsys):
    results = tmp_path / "results"
    write_lines(results / "inception" / "cpu.jsonl", runs())
    found = json.loads(meta_analysis.main(results, costs=tmp_path / "none").read_text())
    assert "costs" not in found
    assert costs.table({}) == ""
    assert "step time" not in studies_block(found)
    assert "Costs of arms" not in map(label, section(found, []).blocks)
    command = ["analyse", "--results", str(results), "--costs", str(tmp_path / "none")]
    assert main(command) == 2
    assert "--costs needs a file, and there is no" in capsys.readouterr().err
