"""Tables and figures of one's own matrices and claims, from the command line."""

import csv
import io
import json

import numpy as np
import pytest

from condlab.cli import main

CLAIMS = """
from hypothesis import strategies as st
from condlab.theory import Margin, Theorem

CLAIM = Theorem("mine", "x is at most a half, or so", "folklore",
    instances=lambda size: st.sampled_from([0.25, 0.7]),
    check=lambda x: Margin(x, 0.5, rounding=1e-15))
"""


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "one.npy", tmp_path / "two, too.npy"]
    np.save(paths[0], np.array([[1.0, 2.0], [300.0, 100.0]]))
    np.save(paths[1], np.diag([1.0, 10.0, 1000.0]))
    return [str(path) for path in paths]


def said(capsys, *arguments):
    code = main([*map(str, arguments)])
    found = capsys.readouterr()
    return code, found.out, found.err


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_several_matrices_are_a_page_each_and_one_table(files, tmp_path, capsys):
    path = tmp_path / "table.csv"
    code, page, _ = said(capsys, "scale", *files, "--csv", path)
    assert code == 0
    assert page.count("best of its kind") == 2
    rows = rows_of(path.read_text())
    assert {row["source"] for row in rows} == set(files)
    assert len(rows) == 12
    first, second = (float(r["value"]) for r in rows if r["scaling"] == "none")
    assert first + 1 / first == pytest.approx(100005 / 500)  # ‖A‖² over |det A|
    assert second == 1000.0
    for row in rows:
        assert float(row["lower"]) <= float(row["value"]) <= float(row["upper"])
    assert said(capsys, "scale", *files, "--csv")[1] == path.read_text()


def test_json_of_several_matrices_is_a_list_and_of_one_an_object(files, capsys):
    several = json.loads(said(capsys, "scale", *files, "--json")[1])["matrices"]
    assert [each["source"] for each in several] == files
    assert json.loads(said(capsys, "scale", files[0], "--json")[1]) == several[0]


def test_methods_can_be_repeated_and_are_drawn(files, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    path = tmp_path / "figure.svg"
    options = ("--method", "row", "--method", "optimal", "--figure", path)
    code, page, _ = said(capsys, "scale", *files, *options)
    assert code == 0
    assert page.count("\noptimal ") == 2
    assert f"wrote {path}" in page
    assert "unscaled" in path.read_text()


def test_verdicts_of_own_claims_are_a_table_and_a_figure(tmp_path, capsys):
    pytest.importorskip("flint")
    claims, path, drawn = (tmp_path / n for n in ("my.py", "my.csv", "my.png"))
    claims.write_text(CLAIMS)
    options = ("--sizes", "1-2", "--csv", path, "--figure", drawn)
    code, page, _ = said(capsys, "verify", claims, *options)
    assert code == 0
    assert f"wrote {path}" in page
    assert drawn.read_bytes().startswith(b"\x89PNG")
    (row,) = rows_of(path.read_text())
    assert (row["theorem"], row["outcome"], row["size"]) == ("mine", "falsified", "1")
    assert float(row["counterexample"]) == 0.7
    assert (
        said(capsys, "verify", claims, "--sizes", "1", "--csv")[1] == path.read_text()
    )


def test_the_table_of_one_matrix_is_latex_through_pandas():
    pytest.importorskip("pandas")
    pytest.importorskip("jinja2")
    import condlab

    frame = condlab.compare_scalings([[1.0, 2.0], [300.0, 100.0]]).to_pandas()
    latex = frame[["value", "lower", "upper"]].to_latex(float_format="%.4g")
    assert latex.startswith("\\begin{tabular}")
    assert "row-column &" in latex


REFUSED = {
    "a table that is a program": (["--csv", "{claims}"], "--csv must be .csv, got"),
    "a table that is there": (["--csv", "{there}"], "exists already"),
    "a table in no folder": (["--csv", "{no}/t.csv"], "there is no directory"),
    "two replies": (["--csv", "--json"], "choose one of them"),
    "a figure of words": (["--figure", "t.txt"], "--figure must be .png, .svg or .pdf"),
    "a figure that is there": (["--figure", "{svg}"], "exists already"),
}


@pytest.mark.parametrize("command", ["scale", "verify"])
@pytest.mark.parametrize("case", REFUSED)
def test_files_are_refused_in_a_sentence_before_any_work(
    command, case, files, tmp_path, capsys
):
    pytest.importorskip("flint")
    claims, there, svg = (tmp_path / n for n in ("my.py", "there.csv", "there.svg"))
    for path in (claims, there, svg):
        path.write_text(CLAIMS)
    places = {"claims": claims, "there": there, "svg": svg, "no": tmp_path / "no"}
    options, words = REFUSED[case]
    source = files[0] if command == "scale" else claims
    given = [option.format(**places) for option in options]
    code, out, err = said(capsys, command, source, *given)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert {path.read_text() for path in (claims, there, svg)} == {CLAIMS}


def test_a_matrix_that_cannot_be_scaled_is_named_among_several(files, tmp_path, capsys):
    wide = tmp_path / "wide.npy"
    np.save(wide, np.ones((2, 3)))
    options = ("--method", "jacobi")
    code, _, err = said(capsys, "scale", files[1], wide, *options)
    assert code == 2
    assert err.startswith(f"condlab: {wide}: Jacobi scaling needs a square matrix")
    assert str(wide) not in said(capsys, "scale", wide, *options)[2]


def test_output_is_of_one_matrix_and_each_is_named_once(files, tmp_path, capsys):
    options = ("--method", "row", "--output", tmp_path / "scaled.npy")
    code, _, err = said(capsys, "scale", *files, *options)
    assert code == 2
    assert "--output needs one SOURCE, got 2" in err
    code, _, err = said(capsys, "scale", files[0], files[0])
    assert code == 2
    assert "each SOURCE is needed once" in err
