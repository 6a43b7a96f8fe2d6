"""Linear and quadratic programmes of MPS files."""

import sys

import numpy as np
import pytest

import condlab
from condlab.cli import main

LINES = """NAME small
ROWS
 N COST
 L LIM1
 G LIM2
 E EQN
COLUMNS
 X COST 1 LIM1 1
 X LIM2 1
 Y COST 2 LIM1 1000000
 Y EQN -1000000
 Z COST -1 EQN 1
 Z LIM2 1
RHS
 RHS LIM1 4 LIM2 1
 RHS EQN 7
BOUNDS
 UP BND X 4
 LO BND Y -1
 UP BND Y 1
"""
QUADRATIC = "QUADOBJ\n X X 2\n Y Y 2\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "small.mps"
    path.write_text(f"{LINES}ENDATA\n")
    return path


@pytest.mark.parametrize("more", ["", QUADRATIC], ids=["linear", "quadratic"])
def test_every_scaling_reaches_the_same_optimum(tmp_path, more):
    highspy = pytest.importorskip("highspy")
    from condlab.diagnosis import _programmes
    from condlab.diagnosis._problem import Problem

    path = tmp_path / "small.mps"
    # With 1e6 for 10 HiGHS calls the quadratic one solved, and then finds it is not.
    path.write_text(f"{LINES.replace('1000000', '10')}{more}ENDATA\n")
    whole = _programmes.read_programme(path)
    assert whole.A.toarray().tolist() == [[1, 10, 0], [1, 0, 1], [0, -10, 1]]
    values = []
    for scaling in (condlab.types.Scaling(), condlab.ruiz_scaling(whole.A)):
        problem = Problem(whole.A, None, None, 1e-8, 10, whole)
        assert _programmes.iterations(problem, scaling)["iterations"] < 20
        one = np.ones(3)
        solver = highspy.Highs()
        _programmes._set(solver.setOptionValue)
        left = one if scaling.left is None else scaling.left
        right = one if scaling.right is None else scaling.right
        solver.passModel(_programmes._model(highspy, whole, scaling, left, right))
        solver.run()
        values.append(solver.getInfo().objective_function_value)
    assert values[0] == pytest.approx(values[1], rel=1e-6)


def test_a_programme_is_diagnosed_by_its_constraints(path):
    pytest.importorskip("highspy")
    found = condlab.diagnose(path)
    assert [(c.axis, c.index) for c in found.culprits] == [("column", 1)]
    (advice,) = found.advice
    assert advice.purpose == "lp"
    assert {"none", "ruiz", "pdlp", "scs", "osqp"} <= {
        t.scaling for t in advice.attempts
    }
    assert condlab.diagnose(str(path), purpose="lsqr").advice[0].purpose == "lsqr"


def test_integers_are_refused(path):
    pytest.importorskip("highspy")
    marked = LINES.replace(" Z COST", " M1 'MARKER' 'INTORG'\n Z COST", 1)
    marked = marked.replace("RHS\n", " M2 'MARKER' 'INTEND'\nRHS\n", 1)
    path.write_text(f"{marked}ENDATA\n")
    with pytest.raises(ValueError, match="integer variables"):
        condlab.diagnose(path)


def test_what_is_no_programme_is_refused(path, tmp_path, capsys):
    pytest.importorskip("highspy")
    path.write_text("nonsense\n")
    assert main(["diagnose", str(path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["diagnose", str(tmp_path / "none.mps")]) == 2
    assert "there is no file" in capsys.readouterr().err


def test_without_highs_one_sentence_says_what_to_install(path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "highspy", None)
    assert main(["diagnose", str(path)]) == 2
    error = capsys.readouterr().err
    assert "pip install highspy" in error
    assert len(error.splitlines()) == 1


def test_a_matrix_is_no_programme():
    with pytest.raises(ValueError, match="name of an MPS file"):
        condlab.diagnose(np.eye(2), purpose="lp")
