"""`condlab diagnose`: the page, the JSON and the table, and what it refuses."""

import json

import numpy as np

from condlab.cli import main


def test_it_names_a_line_in_another_unit(tmp_path, capsys):
    A = np.eye(6) + 0.1
    A[:, 4] *= 1e6
    path = tmp_path / "A.npy"
    np.save(path, A)
    assert main(["diagnose", str(path)]) == 0
    page = capsys.readouterr().out
    assert "column 4" in page
    assert "lsqr: take " in page
    assert "cg: it needs a symmetric matrix" in page
    assert max(map(len, page.splitlines()[1:])) <= 80  # the first has the path
    assert main(["diagnose", str(path), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["culprits"][0]["index"] == 4
    assert record["advice"][0]["purpose"] == "lu"
    assert main(["diagnose", str(path), "--csv", str(tmp_path / "lines.csv")]) == 0
    text = (tmp_path / "lines.csv").read_text()
    assert ",culprit,column,4,size," in text
    assert ",attempt," in text


def test_it_refuses_in_one_line(tmp_path, capsys):
    assert main(["diagnose", "builtin:beam", "--time-limit", "-1"]) == 2
    assert "number of seconds" in capsys.readouterr().err
    assert main(["diagnose", "builtin:beam", "--json", "--csv"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["diagnose", "builtin:wine", "--purpose", "cg"]) == 2
    assert "square" in capsys.readouterr().err
    assert main(["diagnose", "builtin:wine", "--purpose", "culprits"]) == 0
    assert "lsqr" not in capsys.readouterr().out
