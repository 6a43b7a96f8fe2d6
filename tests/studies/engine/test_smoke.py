"""Every study runs, and its records say what the meta-analysis needs."""

import json

import pytest

from studies.__main__ import main
from studies.engine.arguments import STUDIES

WEIGHTS = {
    "kappa_raw",
    "kappa_effective",
    "kappa_gauge",
    "row_norm_spread",
    "weight_norm",
    "grad_norm",
    "effective_lr",
}
METRICS = {"accuracy", "psnr", "iou", "miou", "bits_per_character"}
ALWAYS = {"loss", "probe_loss", "lambda_max"}
FIELDS = {"study", "preset", "key", "config", "commit", "dirty", "versions", "device"}


@pytest.mark.parametrize("study", STUDIES)
def test_the_smoke_preset_leaves_whole_records(study, tmp_path, capsys):
    command = [study, "--preset", "smoke", "--out", str(tmp_path), "--jobs", "1"]
    assert main([*command, "--json"]) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / study / "smoke.jsonl").read_text() == printed
    records = [json.loads(line) for line in printed.splitlines()]
    assert len({r["key"] for r in records}) == len(records) >= 2
    for record in records:
        assert record.keys() > FIELDS
        assert record["status"] == "done"
        quadratic = record["config"].get("problem") == "quadratic"
        linear = record["config"].get("network") == "linear"
        if linear:
            assert record["series"].keys() >= {"loss", "probe_loss", "kappa_gram"}
            continue
        assert record["series"].keys() >= (ALWAYS if quadratic else ALWAYS | WEIGHTS)
        assert quadratic or METRICS & record["series"].keys()
        assert all(value is not None for _, value in record["series"]["lambda_max"])
        assert record["series"]["loss"][-1][0] == record["config"]["steps"]
    assert main(command) == 0  # from the store this time
    assert "probe loss" in capsys.readouterr().out
    assert (tmp_path / study / "smoke.jsonl").read_text() == printed
