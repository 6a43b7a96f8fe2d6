"""Bad usage and bad input get one line and exit code 2."""

from __future__ import annotations

import io

import numpy as np
import pytest

from condlab.cli import _list, main

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


NEEDS = {"theorem": "flint", "strict": "sklearn", "strict, all": "sklearn"}


@pytest.mark.parametrize("case", USAGE)
def test_bad_usage_gets_one_line_and_exit_code_2(
    complaint, case, tmp_path, monkeypatch
):
    if case in NEEDS:
        pytest.importorskip(NEEDS[case])
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
