"""`condlab scale`: the table, its brackets, and the scaled matrix that it writes."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy.io
from numpy.testing import assert_allclose

import condlab
from condlab.cli import _text
from condlab.collection import COLLECTION
from condlab.gallery import GALLERY
from condlab.io import read_matrix, write_matrix
from tests.cli.printed import parse_json


def test_scale_prints_the_condition_numbers_that_the_library_gives(run):
    record = parse_json(run("scale", "gallery:arrow:9", "--json"))
    A = GALLERY["arrow"].make(9)
    found = {row["scaling"]: row for row in record["scalings"]}
    assert list(found) == ["none", "row", "column", "row-column", "ruiz", "jacobi"]
    assert found["none"]["value"] == condlab.cond_2(A).value
    for name in ("row", "column", "row_column", "ruiz", "jacobi"):
        scaling = getattr(condlab, f"{name}_scaling")(A)
        row = found[name.replace("_", "-")]
        assert row["value"] == condlab.cond_2(scaling.apply(A)).value
        assert row["lower"] <= row["value"] <= row["upper"]
        assert row["left"] == (None if scaling.left is None else scaling.left.tolist())


def test_within_is_never_below_what_the_best_scaling_gains(run):
    # the best left scaling of this family is known to be 1: row scaling is sqrt(n) off
    record = parse_json(run("scale", "gallery:repeated-row:9", "--json"))
    row = next(row for row in record["scalings"] if row["scaling"] == "row")
    assert row["best_lower"] <= 1 <= row["best_upper"]
    assert_allclose(row["within"], 3, rtol=1e-12)


def test_table_fits_eighty_columns_and_lines_up(run, tmp_path):
    write_matrix(tmp_path / "A.mtx", np.diag(np.geomspace(1, 1e-12, 40)) + 1e-14)
    for source in ("builtin:tanks", str(tmp_path / "A.mtx"), "gallery:hilbert:12"):
        lines = run("scale", source).splitlines()
        assert max(map(len, lines[1:])) <= 80
        table = [line for line in lines if " .. " in line or "certainly" in line]
        assert len(table) > 5
        header = table[0]
        column = header.index("certainly in")
        assert all(line[column - 2 : column] == "  " for line in table)
        assert all(line[column] != " " for line in table)


def test_printed_bracket_is_rounded_outwards(run):
    kappa = condlab.cond_2(COLLECTION["wine"].load())
    line = next(
        line for line in run("cond", "builtin:wine").splitlines() if "kappa_2" in line
    )
    low, high = map(float, re.search(r"(\S+) \.\. (\S+)", line).groups())
    assert low <= kappa.lower <= kappa.upper <= high


@pytest.mark.parametrize("x", [1.0, 1.00005, 9.9999, 123456.0, 1e300, 5e-324, 0.0])
def test_brackets_contain_what_they_round(x):
    low, high = _text.bracket(x, x).split(" .. ")
    assert float(low) <= x <= float(high)


def test_scale_in_the_other_norms_uses_bauers_exact_optimum(run):
    A = GALLERY["hilbert"].make(5)
    record = parse_json(run("scale", "gallery:hilbert:5", "--cond", "inf", "--json"))
    row = next(row for row in record["scalings"] if row["scaling"] == "row")
    skeel = condlab.cond_skeel(A)
    assert row["best_lower"] <= skeel.upper
    assert skeel.lower <= row["best_upper"]
    assert record["p"] == "inf"


def test_one_method_and_a_norm_may_be_chosen(run):
    record = parse_json(
        run("scale", "gallery:frank:6", "--method", "row", "--p", "inf", "--json")
    )
    assert [row["scaling"] for row in record["scalings"]] == ["none", "row"]
    A = GALLERY["frank"].make(6)
    assert_allclose(record["scalings"][1]["left"], 1 / abs(A).max(axis=1))


@pytest.mark.parametrize("method", ["row", "column", "row-column", "ruiz", "jacobi"])
def test_rounding_makes_every_multiplier_a_power_of_two(run, method):
    options = ["--method", method, "--rounding", "power-of-two", "--json"]
    record = parse_json(run("scale", "gallery:lehmer:6", *options))
    row = record["scalings"][1]
    for side in ("left", "right"):
        if row[side] is not None:
            mantissas, _ = np.frexp(row[side])
            assert (mantissas == 0.5).all()


def test_optimal_scaling_is_within_its_gap_of_the_best_of_its_side(run):
    options = ("--method", "optimal", "--side", "both", "--rtol", "0.01", "--json")
    record = parse_json(run("scale", "gallery:hilbert:4", *options))
    row = record["scalings"][-1]
    A = GALLERY["hilbert"].make(4)
    optimum = condlab.optimal_scaling(A, side="both", rtol=0.01).optimum
    assert (row["best_lower"], row["best_upper"]) == (optimum.lower, optimum.upper)
    assert 1 <= row["within"] <= 1.011
    text = run("scale", "gallery:hilbert:4", "--method", "optimal")
    assert "of the best D A; none has kappa_2 below" in text


def test_optimal_scaling_with_no_time_gives_the_start_and_its_bracket(run):
    options = ("--method", "optimal", "--time-limit", "0", "--json")
    row = parse_json(run("scale", "gallery:frank:6", *options))["scalings"][-1]
    assert row["best_lower"] < row["value"]
    assert row["stopped"] == "time limit"
    text = run("scale", "gallery:frank:6", "--method", "optimal", "--time-limit", "0")
    assert "stopped by time limit" in re.sub(r"\s+", " ", text)


def test_what_is_within_rounding_is_not_shown_with_a_dozen_zeros(run):
    text = run("scale", "gallery:hilbert:3", "--method", "optimal", "--cond", "1")
    assert "within 0.001 % of the best D A" in text


def test_two_sides_of_a_rectangle_are_scaled_as_one_of_each(run):
    text = run("scale", "gallery:lauchli:4", "--method", "optimal", "--side", "both")
    assert "of the best D1 A D2" in text


def test_both_spellings_of_a_method_are_understood(run):
    one, other = (
        run("scale", "gallery:frank:6", "--method", name)
        for name in ("row-column", "row_column")
    )
    assert one == other


def test_sparse_matrix_into_npy_is_refused_before_any_work(
    complaint, tmp_path, monkeypatch
):
    failing = lambda *_, **__: pytest.fail("was computed")  # noqa: E731
    monkeypatch.setattr("condlab.comparison.kappa", failing)
    output = str(tmp_path / "A.npy")
    arguments = ("scale", "builtin:karate", "--method", "row", "--output", output)
    assert "a sparse matrix does not fit a .npy file" in complaint(*arguments)


def test_integers_that_would_be_rounded_are_refused(complaint, tmp_path):
    np.save(tmp_path / "A.npy", [[2**60 + 1, 1], [2**60, 1]])
    text = "%%MatrixMarket matrix array integer general\n2 1\n1\n"
    (tmp_path / "A.mtx").write_text(text + str(2**60 + 1))
    for name in ("A.npy", "A.mtx"):
        assert f"got {2**60 + 1}" in complaint("scale", str(tmp_path / name))


def test_text_and_matlab_files_are_sources(run, tmp_path):
    np.savetxt(tmp_path / "A.csv", np.diag([1.0, 4.0]), delimiter=",")
    scipy.io.savemat(tmp_path / "A.mat", {"A": np.diag([1.0, 4.0]), "B": np.eye(2)})
    for source in ("A.csv", "A.mat"):
        array = ("--array", "A") if source == "A.mat" else ()
        text = run("cond", str(tmp_path / source), *array, "--json")
        assert_allclose(parse_json(text)["condition_numbers"][0]["value"], 4)


def test_output_holds_the_scaled_matrix(run, tmp_path):
    path = tmp_path / "scaled.mtx"
    text = run("scale", "builtin:karate", "--method", "jacobi", "--output", str(path))
    assert f"wrote {path}" in text.replace("\n  ", " ")  # a path is never broken
    A = COLLECTION["karate"].load()
    expected = condlab.jacobi_scaling(A).apply(A)
    assert (read_matrix(path) != expected).nnz == 0


def test_all_methods_leave_out_jacobi_where_it_does_not_apply(run):
    text = run("scale", "gallery:lauchli:4")
    assert "no jacobi scaling: Jacobi scaling needs a square matrix" in text
    assert "row-column" in text


def test_singular_matrices_are_reported_as_infinite(run, tmp_path):
    np.save(tmp_path / "A.npy", np.ones((3, 3)))
    text = run("scale", str(tmp_path / "A.npy"))
    assert "inf" in text
    record = parse_json(run("scale", str(tmp_path / "A.npy"), "--json"))
    assert record["scalings"][0]["value"] == "inf"


@pytest.mark.parametrize("A", [np.eye(1), np.zeros((2, 2)), np.ones((1, 3)), np.eye(4)])
def test_small_and_zero_matrices_have_a_page(run, tmp_path, A):
    np.save(tmp_path / "A.npy", A)
    assert "row-column" in run("scale", str(tmp_path / "A.npy"))
    assert "kappa_2" in run("cond", str(tmp_path / "A.npy"), "--p", "all")


@pytest.mark.parametrize("method", ["row", "column", "row-column", "ruiz", "optimal"])
def test_lines_of_zeros_are_left_alone_unless_strict(run, complaint, tmp_path, method):
    (tmp_path / "A.csv").write_text("1,2,0\n0,0,0\n3,1,0\n")
    source = ("scale", str(tmp_path / "A.csv"), "--method", method)
    assert parse_json(run(*source, "--json"))["scalings"][1]["scaling"] == method
    assert "nonzero entry" in complaint(*source, "--strict")
