"""The examples run, and say what they are there to show."""

import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
SHOWN = {
    "claim_on_trial": "size 3: falsified",
    "compare_with_scipy": "ones: ",
    "condition_a_network": "lengths of its rows: [1.0",
    "follow_training": "'row_spread/0.weight'",
    "hessian_of_a_checkpoint": "316 parameters, 13 null directions",
    "optimal_scaling": " right: kappa 40.00, and none below 39.9",
    "read_a_record": "LN+E: test accuracy 0.5",
    "scale_a_matrix": "solution in the original units: [1. 1. 1. 1. 1.]",
}
CORE = ("scale_a_matrix", "optimal_scaling", "compare_with_scipy")


def test_every_example_is_run():
    assert {path.stem for path in FOLDER.glob("*.py")} == set(SHOWN)


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_an_example_shows_what_it_is_there_for(name, capsys, monkeypatch):
    if name not in CORE:
        pytest.importorskip("torch")
        pytest.importorskip("flint")
    monkeypatch.setattr(sys, "argv", [name])
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    assert SHOWN[name] in capsys.readouterr().out
