"""Every kind of Matrix Market file is read, and bad ones get one clear line."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from condlab.io import (
    read_matrix,
    write_matrix,
)
from tests.io.matrix_files import ARRAY, COORDINATE, dense, matrix_market, refused

BANNERS = {
    "coordinate real general": ("2 2 2\n1 1 1.5\n2 1 -3e2\n", [[1.5, 0], [-300, 0]]),
    "coordinate integer general": ("1 2 1\n1 2 7\n", [[0, 7]]),
    "coordinate pattern general": ("2 2 2\n1 1\n2 1\n", [[1, 0], [1, 0]]),
    "coordinate real symmetric": ("2 2 2\n1 1 4\n2 1 3\n", [[4, 3], [3, 0]]),
    "coordinate pattern symmetric": ("2 2 1\n2 1\n", [[0, 1], [1, 0]]),
    "coordinate real skew-symmetric": ("2 2 1\n2 1 3\n", [[0, -3], [3, 0]]),
    "coordinate complex hermitian": (
        "2 2 2\n1 1 2 0\n2 1 3 1\n",
        [[2, 3 - 1j], [3 + 1j, 0]],
    ),
    "coordinate complex general": ("1 1 1\n1 1 2 -1\n", [[2 - 1j]]),
    "coordinate complex symmetric": ("2 2 1\n2 1 0 1\n", [[0, 1j], [1j, 0]]),
    "array real general": ("2 2\n1\n2\n3\n4\n", [[1, 3], [2, 4]]),
    "array integer general": ("1 2\n1\n2\n", [[1, 2]]),
    "array real symmetric": ("2 2\n1\n2\n3\n", [[1, 2], [2, 3]]),
    "array real skew-symmetric": ("2 2\n2\n", [[0, -2], [2, 0]]),
    "array complex hermitian": ("2 2\n1 0\n2 1\n3 0\n", [[1, 2 - 1j], [2 + 1j, 3]]),
}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("kind", BANNERS)
@pytest.mark.parametrize("compressed", [False, True])
def test_every_kind_of_matrix_market_file_is_read(tmp_path, kind, compressed, ending):
    body, expected = BANNERS[kind]
    text = f"%%MatrixMarket matrix {kind}\n% a comment, caf\xe9\n{body}"
    content = text.replace("\n", ending).encode("latin-1")
    name = "A.MTX.GZ" if compressed else "A.mtx"
    path = matrix_market(
        tmp_path, gzip.compress(content) if compressed else content, name
    )
    A = read_matrix(path)
    assert sp.issparse(A) == kind.startswith("coordinate")
    assert A.dtype.kind in "fc"
    assert_array_equal(dense(A), expected)


def test_last_line_needs_no_newline(tmp_path):
    path = matrix_market(tmp_path, COORDINATE + "1 1 1\n1 1 2.5")
    assert read_matrix(path).toarray() == 2.5


def test_entries_given_twice_are_added(tmp_path):
    path = matrix_market(tmp_path, COORDINATE + "1 1 2\n1 1 2\n1 1 3\n")
    assert read_matrix(path).toarray() == 5


def test_a_matrix_without_entries_is_zero(tmp_path):
    path = matrix_market(tmp_path, COORDINATE + "2 3 0\n")
    assert_array_equal(read_matrix(path).toarray(), np.zeros((2, 3)))


BAD_MATRIX_MARKET = {
    "truncated": (
        COORDINATE + "2 2 3\n1 1 1\n2 2 2\n2 1",
        r"line 5: 3 numbers are needed, got '2 1'",
    ),
    "truncated between lines": (
        COORDINATE + "%" * 80 + "\n9 9 3\n1 1 1.00000\n\n2 2 2.0000\n",
        r"truncated; its header promises 3 entries, and it holds 2, up to line 6",
    ),
    "truncated array": (
        ARRAY + "2 2\n1.00\n2.00\n3.00\n",
        "truncated; its header promises 4 entries, and it holds 3, up to line 5",
    ),
    "no entries at all": (ARRAY + "1 1\n", "truncated; .* promises 1 .* holds 0"),
    # SciPy 1.17's reader goes past the end here, and may crash the interpreter
    "stops inside a number": (ARRAY + "1 2\n15\n4E", "line 4: one number .*'4E'"),
    "too long": (COORDINATE + "2 2 1\n1 1 1\n2 2 2\n", "too long; .* 1 entries, .* 2"),
    "letters": (COORDINATE + "2 2 2\n1 1 1\n2 x 2\n", "line 4: 3 numbers .*'2 x 2'"),
    "fortran exponent": (COORDINATE + "1 1 1\n1 1 1D3\n", "line 3: .*'1 1 1D3'"),
    "decimal comma": (COORDINATE + "1 1 1\n1 1 2,5\n", "line 3: .*'1 1 2,5'"),
    "no exponent letter": (COORDINATE + "1 1 1\n1 1 1.5-3\n", "line 3: .*1.5-3"),
    "underscore": (COORDINATE + "1 1 1\n1 1 1_000\n", "line 3: .*1_000"),
    "late comment": (COORDINATE + "1 1 1\n% x\n1 1 2\n", "line 3: .*'% x'"),
    "two on a line": (ARRAY + "2 1\n1 2\n", "line 3: one number is needed, got '1 2'"),
    "surplus number": (COORDINATE + "1 1 1\n1 1 3 4\n", "line 3: 3 numbers are needed"),
    "missing value": (COORDINATE + "1 1 1\n1 1    \n", "line 3: 3 numbers are needed"),
    "moved number": (COORDINATE + "2 2 2\n1 1 3 2\n2 5\n", "line 3: 3 numbers"),
    "row out of range": (
        COORDINATE + "2 2 2\n1 1 1\n\n3 1 1\n",
        "line 5: the indices must lie in 1 to 2 and 1 to 2, got '3 1 1'",
    ),
    "column out of range": (COORDINATE + "2 2 1\n1 3 1\n", "line 3: the indices"),
    "index zero": (COORDINATE + "2 2 1\n0 1 1\n", "line 3: the indices must lie"),
    "negative index": (COORDINATE + "2 2 1\n-1 1 1\n", "line 3: the indices must lie"),
    "fractional index": (COORDINATE + "2 2 1\n1.5 1 1\n", "line 3: the indices must"),
    "index nan": (COORDINATE + "2 2 1\nnan 1 1\n", "line 3: the indices must lie"),
    "nan": (COORDINATE + "2 2 2\n1 1 1\n2 1 nan\n", r"finite, got nan at index \(1, 0"),
    "inf in an array": (
        ARRAY + "1 2\n1\n-inf\n",
        r"finite, got -inf at index \(0, 1\)",
    ),
    "overflow": (COORDINATE + "1 1 1\n1 1 1e999\n", "finite, got inf at index"),
    "no banner": ("2 2 1\n1 1 1\n", "line 1: a Matrix Market file begins with"),
    "utf-16": (COORDINATE.encode("utf-16"), "line 1: a Matrix Market file begins with"),
    "binary": (bytes(range(256)) * 9, "line 1: a Matrix Market file begins with"),
    "only the banner": (COORDINATE, "the line with the sizes is missing"),
    "only comments": (COORDINATE + "% a\n% b", "the line with the sizes is missing"),
    "unknown format": (COORDINATE.replace("coordinate", "csr"), "sizes is missing|csr"),
    "unknown field": (COORDINATE.replace("real", "quad") + "1 1 1\n", "header: .*quad"),
    "a vector": (
        COORDINATE.replace("matrix c", "vector c") + "2 1\n",
        "line 1: a matr",
    ),
    "pattern array": (
        "%%MatrixMarket matrix array pattern general\n1 1\n",
        "line 1: a",
    ),
    "negative size": (COORDINATE + "-2 2 1\n1 1 1\n", "header: .*negative"),
    "fractional size": (COORDINATE + "2.5 2 1\n1 1 1\n", "header: .*'2.5 2 1'"),
    "enormous size": (
        COORDINATE + "9" * 30 + " 2 1\n1 1 1\n",
        "header: .*out of range",
    ),
    "empty matrix": (
        COORDINATE + "0 3 0\n",
        r"at least one row and one column .*\(0, 3",
    ),
    "billion rows": (
        COORDINATE + "1000000000 2 1\n1 1 1\n",
        "nearly every row is empty",
    ),
    "ten-gigabyte array": (
        ARRAY + "40000 32000\n1\n2\n",
        "promises 1280000000 entries",
    ),
    "ten gigabytes of entries": (
        COORDINATE + "100000 100000 900000000\n1 1 1\n",
        "promises 900000000 entries, at least 5399999999 bytes, and 6 bytes follow",
    ),
    "symmetric and wide": (
        COORDINATE.replace("general", "symmetric") + "2 3 1\n1 1 1\n",
        r"symmetric matrix is square, got shape \(2, 3\)",
    ),
    "both triangles": (
        COORDINATE.replace("general", "symmetric") + "2 2 2\n1 2 5\n2 1 5\n",
        "mirror image twice; keep one triangle",
    ),
    "skew with a diagonal": (
        COORDINATE.replace("general", "skew-symmetric") + "1 1 1\n1 1 5\n",
        "skew-symmetric matrix has a zero diagonal",
    ),
    "hermitian with a complex diagonal": (
        "%%MatrixMarket matrix coordinate complex hermitian\n1 1 1\n1 1 5 1\n",
        "Hermitian matrix has a real diagonal",
    ),
    "hermitian array with a complex diagonal": (
        "%%MatrixMarket matrix array complex hermitian\n1 1\n5 1\n",
        "Hermitian matrix has a real diagonal",
    ),
}


@pytest.mark.parametrize("case", BAD_MATRIX_MARKET)
@pytest.mark.parametrize("compressed", [False, True])
def test_bad_matrix_market_file_gets_one_line(tmp_path, case, compressed):
    text, message = BAD_MATRIX_MARKET[case]
    if compressed and "promises" in message and "gigabyte" in case:
        message = "promises|GiB in a compressed file"
    content = text if isinstance(text, bytes) else text.encode()
    name = "A.mtx.gz" if compressed else "A.mtx"
    refused(
        matrix_market(
            tmp_path, gzip.compress(content) if compressed else content, name
        ),
        message,
    )


def test_truncated_gzip_is_not_a_whole_file(tmp_path):
    rng = np.random.default_rng(0)
    write_matrix(tmp_path / "whole.mtx.gz", rng.standard_normal((20, 20)))
    content = (tmp_path / "whole.mtx.gz").read_bytes()
    for end in (5, len(content) // 2, len(content) - 3):
        path = matrix_market(tmp_path, content[:end], "cut.mtx.gz")
        refused(path, "not a whole gzip file")


def test_gzip_by_name_only_is_refused(tmp_path):
    path = matrix_market(tmp_path, ARRAY + "1 1\n1\n", "A.mtx.gz")
    refused(path, "not a whole gzip file .*[Nn]ot a gzipped file")


def test_gzip_bomb_is_not_inflated(tmp_path):
    bomb = gzip.compress(ARRAY.encode() + b"1 1\n1" + b" " * 2**26)
    refused(matrix_market(tmp_path, bomb, "A.mtx.gz"), "far more than its header")


def test_endless_comment_is_not_read_to_its_end(tmp_path):
    bomb = gzip.compress(ARRAY.encode() + b"%" * 2**26)
    refused(matrix_market(tmp_path, bomb, "A.mtx.gz"), "no size line in the first")
