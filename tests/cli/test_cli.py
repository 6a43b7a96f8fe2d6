"""The command line: what it prints, and one line with exit code 2 for bad input."""

from __future__ import annotations

import functools
import io
import json
import math
import os
import re
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from numpy.testing import assert_allclose

import condlab
from condlab.cli import _list, _text, main
from condlab.collection import COLLECTION
from condlab.gallery import GALLERY, laplacian_2d
from condlab.io import read_matrix, write_matrix
from condlab.report.summary import outcome


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys):
    """Run a command that must succeed, and return what it printed."""

    def run_(*argv):
        assert main(list(argv)) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run_


@pytest.fixture
def complaint(capsys):
    """Run a command that must fail with one line, and return the line."""

    def complaint_(*argv):
        assert main(list(argv)) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.endswith("\n")
        assert err.count("\n") == 1
        assert err.startswith("condlab")
        return err

    return complaint_


def parse_json(text):
    """Parse strictly: NaN and Infinity are not JSON."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


# ---- scale -----------------------------------------------------------------------


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


# ---- cond ------------------------------------------------------------------------


def test_cond_prints_every_norm_of_a_square_matrix(run):
    record = parse_json(run("cond", "gallery:pascal:6", "--p", "all", "--json"))
    A = GALLERY["pascal"].make(6)
    for found in record["condition_numbers"]:
        if found["p"] == "skeel":
            X = np.linalg.inv(A)
            expected = np.linalg.norm(abs(X) @ abs(A), np.inf)
        else:
            p = {"inf": np.inf}.get(found["p"], found["p"])
            expected = np.linalg.cond(A, p)
        assert_allclose(
            found["value"], expected, rtol=1e-9
        )  # kappa 1e5, squared in inv
    assert [found["p"] for found in record["condition_numbers"]] == [
        1,
        2,
        "inf",
        "fro",
        "skeel",
    ]


def test_cond_of_a_rectangular_matrix_has_the_norms_that_are_defined(run):
    record = parse_json(run("cond", "builtin:wine", "--p", "all", "--json"))
    assert [found["p"] for found in record["condition_numbers"]] == [2, "fro"]
    assert record["shape"] == [178, 13]


def test_infinite_condition_number_is_explained(run):
    assert "cannot be told from a singular matrix" in run("cond", "gallery:clement:3")


@pytest.mark.parametrize("p", ["1", "2", "inf"])
def test_estimate_agrees_with_the_exact_number(run, p):
    source = "gallery:laplacian-2d:100"
    exact, estimate = (
        parse_json(run("cond", source, "--p", p, how, "--json"))["condition_numbers"][0]
        for how in ("--exact", "--estimate")
    )
    assert estimate["method"] != exact["method"]
    assert estimate["lower"] <= exact["upper"]
    assert exact["lower"] <= float(estimate["upper"])
    assert 0.3 * exact["value"] < estimate["value"] < 1.01 * exact["value"]


def test_large_sparse_matrices_are_estimated_without_being_asked(run, tmp_path):
    path = tmp_path / "A.npz"
    sp.save_npz(path, laplacian_2d(50))
    record = parse_json(run("scale", str(path), "--json"))
    row = record["scalings"][0]
    assert row["lower"] <= GALLERY["laplacian-2d"].kappa_2(2500) <= float(row["upper"])
    assert row["method"] != "svd"
    assert "--exact" in record["notes"][0]


# ---- sources ---------------------------------------------------------------------


@pytest.mark.parametrize("extension", [".mtx", ".mtx.gz", ".npz", ".npy"])
def test_files_of_every_kind_are_sources(run, tmp_path, extension):
    path = tmp_path / f"A{extension}"
    write_matrix(path, GALLERY["min-ij"].make(4))
    record = parse_json(run("cond", str(path), "--json"))
    expected = GALLERY["min-ij"].kappa_2(4)
    assert_allclose(record["condition_numbers"][0]["value"], expected, rtol=1e-12)


def test_array_of_an_archive_is_chosen_by_name(run, tmp_path):
    np.savez(tmp_path / "A.npz", a=np.eye(2), b=np.diag([1.0, 3.0]))
    record = parse_json(run("cond", str(tmp_path / "A.npz"), "--array", "b", "--json"))
    assert_allclose(record["condition_numbers"][0]["value"], 3, rtol=1e-14)


@pytest.mark.parametrize("name", GALLERY)
def test_every_gallery_matrix_is_a_source(run, name):
    assert "kappa_2" in run("cond", f"gallery:{name}:8")


def test_file_named_like_a_builtin_matrix_wins(run, tmp_path, monkeypatch, complaint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wine").write_text("not a matrix")
    assert "extension must be one of" in complaint("cond", "wine")


# ---- list ------------------------------------------------------------------------


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


# ---- verify ----------------------------------------------------------------------


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


# ---- report ----------------------------------------------------------------------


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


# ---- bad usage and bad input -----------------------------------------------------

USAGE = {
    "no command": ([], "the following arguments are required: COMMAND"),
    "unknown command": (["solve"], "invalid choice: 'solve'"),
    "no source": (["scale"], "required: SOURCE"),
    "unknown option": (["cond", "builtin:wine", "--norm", "2"], "unrecognized argume"),
    "unknown method": (["scale", "builtin:wine", "--method", "qr"], "choice: 'qr'"),
    "unknown norm": (["cond", "builtin:wine", "--p", "3"], "invalid choice: '3'"),
    "both": (["cond", "builtin:wine", "--exact", "--estimate"], "not allowed with"),
    "sizes": (["verify", "--sizes", "x"], "a positive number is needed, got 'x'"),
    "size zero": (["verify", "--sizes", "0-3"], "a positive number is needed, got '0'"),
    "descending": (["verify", "--sizes", "5-2"], "sizes ascend and end at 1000, got"),
    "examples": (["verify", "--max-examples", "0"], "a positive number is needed"),
    "seed": (["verify", "--seed", "-1"], "a number from 0 is needed, got '-1'"),
    "theorem": (
        ["verify", "wc-thm5.1-row"],
        "no theorem 'wc-thm5.1-row'; did you mean",
    ),
    "gallery name": (["cond", "gallery:hilbrt:4"], "did you mean hilbert?"),
    "gallery size": (["cond", "gallery:hilbert"], "such as gallery:hilbert:8"),
    "gallery size text": (["cond", "gallery:hilbert:x"], "is a number, got 'x'"),
    "gallery size zero": (["cond", "gallery:hilbert:0"], "at least 1, got 0"),
    "gallery negative": (["cond", "gallery:hilbert:-3"], "is a number, got '-3'"),
    "gallery huge": (["cond", "gallery:hilbert:99999999"], "limited to 10000 columns"),
    "gallery sparse huge": (["cond", "gallery:laplacian-1d:9999999999"], "size up to"),
    "builtin": (
        ["cond", "builtin:vine"],
        "no built-in matrix 'vine'; did you mean wine",
    ),
    "forgotten builtin": (["cond", "wine"], "did you mean builtin:wine?"),
    "forgotten gallery": (["cond", "hilbert"], "did you mean gallery:hilbert:8?"),
    "array": (
        ["cond", "builtin:wine", "--array", "A"],
        "--array chooses within a .npz",
    ),
    "suitesparse": (["cond", "suitesparse:rajat11"], "give GROUP/NAME, such as"),
    "rectangular": (["cond", "builtin:wine", "--p", "1"], "needs a square matrix, got"),
    "jacobi rectangular": (
        ["scale", "builtin:wine", "--method", "jacobi"],
        "Jacobi scaling needs a square matrix, got shape (178, 13)",
    ),
    "jacobi zero diagonal": (
        ["scale", "gallery:clement:4", "--method", "jacobi"],
        "needs a positive diagonal, got 0.0 at index 0",
    ),
    "strict": (
        ["scale", "builtin:digits", "--method", "column", "--strict"],
        "got zeros only in column 0",
    ),
    "side of an equilibration": (
        ["scale", "builtin:wine", "--side", "left"],
        "need --method optimal",
    ),
    "lines of the diagonal": (
        ["scale", "gallery:hilbert:4", "--method", "jacobi", "--p", "inf"],
        "jacobi scales the diagonal; leave --p out",
    ),
    "lines of the optimum": (
        ["scale", "builtin:wine", "--method", "optimal", "--p", "1"],
        "by --cond",
    ),
    "strict, all": (["scale", "builtin:digits", "--strict"], "only in column 0"),
    "estimate of a norm": (
        ["cond", "builtin:wine", "--p", "fro", "--estimate"],
        "only 1, 2 and inf can be estimated",
    ),
    "output of all": (
        ["scale", "builtin:wine", "--output", "A.mtx"],
        "--output needs one --method",
    ),
    "output extension": (
        ["scale", "builtin:wine", "--method", "row", "--output", "A.csv"],
        "the extension must be one of",
    ),
    "output folder": (
        ["scale", "builtin:wine", "--method", "row", "--output", "no/where/A.mtx"],
        "there is no folder no/where",
    ),
    "output is a directory": (
        ["scale", "builtin:wine", "--method", "row", "--output", "folder.mtx"],
        "this is a directory",
    ),
    "output exists": (
        ["scale", "builtin:wine", "--method", "row", "--output", "here.mtx"],
        "here.mtx exists already; choose another name, or add --force",
    ),
    "sparse npy": (
        ["scale", "builtin:beam", "--method", "row", "--output", "new.npy"],
        "a sparse matrix does not fit a .npy file",
    ),
    "report into a file": (["report", "--out", "here.mtx"], "--out needs a directory"),
    "report without page": (["report", "--pages", "none.md"], "there is no none.md"),
}


@pytest.mark.parametrize("case", USAGE)
def test_bad_usage_gets_one_line_and_exit_code_2(
    complaint, case, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.mtx").touch()
    (tmp_path / "folder.mtx").mkdir()
    arguments, message = USAGE[case]
    assert message in complaint(*arguments)


BANNER = "%%MatrixMarket matrix coordinate real general\n"
FILES = {
    "missing.mtx": (None, "there is no such file"),
    "empty.mtx": (b"", "the file is empty"),
    "empty.npy": (b"", "the file is empty"),
    "truncated.mtx": (
        BANNER + "9 9 4\n1 1 1\n2 2 2\n",
        "truncated; its header promises",
    ),
    "words.mtx": (
        BANNER + "2 2 1\n1 1 one\n",
        "line 3: 3 numbers are needed, got '1 1",
    ),
    "range.mtx": (BANNER + "2 2 1\n1 3 1\n", "line 3: the indices must lie in 1 to 2"),
    "nan.mtx": (BANNER + "2 2 1\n1 2 nan\n", "finite, got nan at index (0, 1)"),
    "binary.mtx": (bytes(range(256)), "a Matrix Market file begins with"),
    "claim.mtx": (
        BANNER.replace("coordinate", "array") + "40000 32000\n1\n",
        "promises",
    ),
    "cut.mtx.gz": (b"\x1f\x8b\x08\x00", "not a whole gzip file"),
    "cut.npz": (b"PK\x03\x04", "not a whole .npz archive"),
    "text.npy": (b"1 2 3", "not a NumPy file"),
    "data.xlsx": (b"1,2\n", "must be one of .mtx, .mtx.gz, .npz, .npy, .mat, .csv"),
    "data.csv": (b"1,2\n3,x\n", "line 2: column 2 must be a number"),
    "data.mat": (b"1,2\n", "not a whole MATLAB file"),
}


@pytest.mark.parametrize("command", ["scale", "cond"])
@pytest.mark.parametrize("name", FILES)
def test_bad_files_get_one_line_and_exit_code_2(complaint, tmp_path, command, name):
    content, message = FILES[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert message in complaint(command, str(path))


def numpy_file(A):
    buffer = io.BytesIO()
    np.save(buffer, A)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (numpy_file(np.ones(3)), "a matrix (2-D) is needed, got shape (3,)"),
        (numpy_file(np.array([[None]])), "holds pickled Python objects"),
        (numpy_file(np.array([[1.0, np.inf]])), "got inf at index (0, 1)"),
        (numpy_file(np.ones((0, 2))), "at least one row and one column"),
        (
            numpy_file(np.ones((1, 1)))[:-8].replace(
                b"(1, 1), }        ", b"(40000, 32000), }"
            ),
            "10240000000 bytes, and 0 bytes follow",
        ),
    ],
)
def test_bad_numpy_files_get_one_line_and_exit_code_2(
    complaint, tmp_path, content, message
):
    path = tmp_path / "A.npy"
    path.write_bytes(content)
    assert message in complaint("scale", str(path))


def test_directory_gets_one_line_and_exit_code_2(complaint, tmp_path):
    (tmp_path / "A.mtx").mkdir()
    assert "this is a directory" in complaint("cond", str(tmp_path / "A.mtx"))


def test_memory_that_runs_out_gets_one_line(complaint, monkeypatch):
    def exhaust(*_):
        raise MemoryError

    monkeypatch.setattr(_list, "run", exhaust)
    assert "does not fit in memory" in complaint("list")


def test_interruption_is_a_word_and_not_a_traceback(capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_list, "run", interrupt)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "condlab: interrupted\n"


@pytest.mark.parametrize("arguments", [["--help"], ["scale", "--help"], ["--version"]])
def test_help_and_version_succeed(run, arguments):
    text = run(*arguments)
    assert "condlab" in text
    assert max(map(len, text.splitlines())) <= 80


# ---- as a process ----------------------------------------------------------------


def condlab_process(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "condlab", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_process_prints_a_table_and_exits_0():
    process = condlab_process("scale", "gallery:graded:6")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "jacobi" in out


def test_process_exits_2_with_one_line_for_a_missing_file():
    process = condlab_process("scale", "missing.mtx")
    out, err = process.communicate()
    assert process.returncode == 2
    assert (out, err) == ("", "condlab: missing.mtx: there is no such file\n")


def test_reader_that_leaves_early_is_no_error():
    process = condlab_process("list", "gallery")
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert err == ""


def test_ascii_terminal_gets_replacement_characters():
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    process = condlab_process("list", "gallery", env=environment)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "L?uchli" in out


def test_cond_loads_no_optional_package_and_no_other_command():
    code = (
        "import sys; from condlab.cli import main; main(['cond', 'gallery:moler:4']);"
        "heavy = {'torch', 'hypothesis', 'matplotlib', 'flint', 'sklearn', 'pooch',"
        " 'scipy.io', 'scipy.optimize', 'condlab.optimal', 'condlab.cli._report'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("[]\n")


# ---- progress --------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("patience", "said"), [(0.02, True), (30.0, False)])
def test_progress_speaks_only_when_it_takes_long(monkeypatch, patience, said):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(_text, "PATIENCE", patience)
    with _text.Progress() as progress:
        progress("working")
        deadline = time.monotonic() + 5
        while said and "working" not in terminal.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert ("working" in terminal.getvalue()) == said
    assert terminal.getvalue().endswith("\x1b[K") == said  # nothing is left behind


def test_progress_is_silent_where_stderr_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setattr(_text, "PATIENCE", 0.0)
    with _text.Progress() as progress:
        progress("working")
        time.sleep(0.05)
    assert capsys.readouterr().err == ""


def test_numbers_that_are_no_json_become_strings_and_null():
    text = _text.as_json({"a": [math.inf, -math.inf, math.nan, np.float64(1)], "b": 1j})
    assert parse_json(text) == {"a": ["inf", "-inf", None, 1.0], "b": "1j"}


def test_parts_of_a_counterexample_without_a_name_are_numbered():
    lines = _text.instance(["A"], (np.eye(2), 0.5))
    assert lines == ["  A = [[1., 0.],", "       [0., 1.]]", "  part 2 = 0.5"]


def test_a_value_that_is_only_a_lower_bound_is_called_one(run, monkeypatch):
    estimate = functools.partial(condlab.estimate_cond_2, fill_limit=0)
    monkeypatch.setattr("condlab.condition.affordable.estimate_cond_2", estimate)
    source = ("gallery:laplacian-2d:400", "--estimate")
    page, scaled = run("cond", *source), run("scale", *source, "--method", "row")
    lower = parse_json(run("cond", *source, "--json"))["condition_numbers"][0]
    assert lower["is_lower_bound"]
    shown = float(re.search(r">= ([\d.e+]+)", page)[1])
    assert 0.999 * lower["value"] <= shown <= lower["value"]  # rounded down
    assert ">= " in scaled
    assert ">= " not in run("cond", "gallery:hilbert:4")


def test_theorems_are_known_by_names_with_underscores_too(run):
    options = ("--sizes", "1", "--max-examples", "5")
    expected = run("verify", "ws-eps-paper-code", *options)
    assert run("verify", "ws_eps_paper_code", *options) == expected


@pytest.mark.parametrize("method", ["row", "column", "row-column", "ruiz", "optimal"])
def test_lines_of_zeros_are_left_alone_unless_strict(run, complaint, tmp_path, method):
    (tmp_path / "A.csv").write_text("1,2,0\n0,0,0\n3,1,0\n")
    source = ("scale", str(tmp_path / "A.csv"), "--method", method)
    assert parse_json(run(*source, "--json"))["scalings"][1]["scaling"] == method
    assert "nonzero entry" in complaint(*source, "--strict")
