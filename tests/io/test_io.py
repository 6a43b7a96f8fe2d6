"""Matrices come back from files as they went in, and bad files get one clear line."""

from __future__ import annotations

import gzip
import io
import os
import socket
import stat
import tarfile
import time
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from condlab.errors import MatrixFileError, MissingExtraError
from condlab.io import (
    EXTENSIONS,
    _limits,
    _suitesparse,
    fetch_suitesparse,
    read_matrix,
    write_matrix,
)
from tests.optional import given, hnp, st
from tests.servers import serving

DENSE = np.array([[1.5, 0.0, -2e-300], [0.1, 3e300, 1 / 3]])
COORDINATE = "%%MatrixMarket matrix coordinate real general\n"
ARRAY = "%%MatrixMarket matrix array real general\n"


def dense(A):
    return A.toarray() if sp.issparse(A) else A


def matrix_market(tmp_path, text, name="A.mtx"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# ---- what is written comes back ------------------------------------------------


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.coo_array])
def test_written_matrix_comes_back_bit_for_bit(tmp_path, extension, container):
    if extension == ".npy" and container is not np.asarray:
        pytest.skip("refused; has a test of its own")
    path = tmp_path / f"A{extension}"
    write_matrix(path, container(DENSE))
    A = read_matrix(path)
    assert sp.issparse(A) == (container is not np.asarray)
    assert_array_equal(dense(A), DENSE)
    assert list(tmp_path.iterdir()) == [path]


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(A=hnp.arrays(float, hnp.array_shapes(min_dims=2, max_dims=2), elements=finite))
def test_every_finite_matrix_survives_matrix_market(tmp_path_factory, A):
    path = tmp_path_factory.mktemp("any") / "A.mtx"
    write_matrix(path, A)
    assert_array_equal(read_matrix(path), A)


@pytest.mark.parametrize(
    "A", [np.array([[1 + 2j, 0], [1e-300j, -1]]), np.eye(3), np.zeros((2, 2))]
)
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_complex_identity_and_zero_matrices_come_back(tmp_path, extension, A):
    path = tmp_path / f"A{extension}"
    write_matrix(path, A)
    assert_array_equal(dense(read_matrix(path)), A)


@pytest.mark.parametrize("make", [sp.csc_array, sp.bsr_array, sp.dia_array])
def test_every_sparse_format_of_scipy_is_read(tmp_path, make):
    path = tmp_path / "A.npz"
    sp.save_npz(path, make(DENSE))
    A = read_matrix(path)
    assert A.format == "csr"
    assert_array_equal(A.toarray(), DENSE)


def test_gzipped_files_are_the_same_bytes_at_any_time(tmp_path):
    for name in ("A.mtx.gz", "B.mtx.gz"):
        write_matrix(tmp_path / name, DENSE)
    assert (tmp_path / "A.mtx.gz").read_bytes() == (tmp_path / "B.mtx.gz").read_bytes()


def test_writing_does_not_replace_a_file_unless_told_to(tmp_path):
    path = tmp_path / "A.npy"
    write_matrix(path, np.eye(2))
    with pytest.raises(FileExistsError, match="exists already"):
        write_matrix(path, DENSE)
    assert_array_equal(read_matrix(path), np.eye(2))
    write_matrix(path, DENSE, overwrite=True)
    assert_array_equal(read_matrix(path), DENSE)


def test_writing_refuses_what_reading_would_refuse(tmp_path):
    with pytest.raises(ValueError, match="every entry must be finite"):
        write_matrix(tmp_path / "A.mtx", [[np.nan]])
    with pytest.raises(MatrixFileError, match=r"use \.npz or \.mtx"):
        write_matrix(tmp_path / "A.npy", sp.csr_array(DENSE))
    assert not list(tmp_path.iterdir())


def test_written_file_has_the_permissions_of_any_other(tmp_path):
    write_matrix(tmp_path / "A.mtx", DENSE)
    (tmp_path / "plain").touch()
    modes = [stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()]
    assert modes[0] == modes[1]


# ---- Matrix Market ---------------------------------------------------------------

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


def refused(path, message, **options):
    """Assert one line, soon, and without memory for what a header only claims."""
    tracemalloc.start()
    start = time.monotonic()
    with pytest.raises(MatrixFileError, match=message) as error:
        read_matrix(path, **options)
    assert time.monotonic() - start < 2
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


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


# ---- NumPy -----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", ">f8", "i2", "?", "u8", "c8", ">c16"])
def test_numeric_types_become_native_floating_point(tmp_path, dtype):
    A = np.array([[1, 0], [1, 1]]).astype(dtype)
    np.save(tmp_path / "A.npy", A)
    B = read_matrix(tmp_path / "A.npy")
    assert B.dtype.isnative
    assert B.dtype.kind in "fc"
    assert_array_equal(B, A)


def test_fortran_order_is_read(tmp_path):
    np.save(tmp_path / "A.npy", np.asfortranarray(DENSE))
    assert_array_equal(read_matrix(tmp_path / "A.npy"), DENSE)


def test_numpy_files_of_python_2_are_read_without_a_word(tmp_path):
    np.save(tmp_path / "A.npy", np.ones((2, 3)))
    content = (tmp_path / "A.npy").read_bytes().replace(b"(2, 3), }  ", b"(2L, 3L), }")
    (tmp_path / "A.npy").write_bytes(content)
    assert_array_equal(read_matrix(tmp_path / "A.npy"), np.ones((2, 3)))


def npy_with_header(header: str) -> bytes:
    padded = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded


class Payload:
    """Something pickle would have to run code for."""

    def __reduce__(self):
        return (os._exit, (66,))


def npy_bytes(A, **options):
    buffer = io.BytesIO()
    np.save(buffer, A, **options)
    return buffer.getvalue()


BAD_NPY = {
    "pickled": (npy_bytes(np.array([[Payload()]])), "holds pickled Python objects"),
    "1-D": (npy_bytes(np.ones(3)), r"got shape \(3,\); reshape it"),
    "3-D": (npy_bytes(np.ones((2, 2, 2))), r"matrix \(2-D\) is needed, got shape"),
    "scalar": (npy_bytes(np.float64(1)), r"got shape \(\)"),
    "empty matrix": (npy_bytes(np.ones((0, 3))), "at least one row and one column"),
    "text": (npy_bytes(np.array([["a"]])), "numbers are needed, got dtype <U1"),
    "structured": (
        npy_bytes(np.zeros((1, 1), "i4,f8")),
        "numbers are needed, got dtyp",
    ),
    "dates": (npy_bytes(np.zeros((1, 1), "M8[s]")), "numbers are needed, got dtype"),
    "long double": (npy_bytes(np.ones((1, 1), "g")), "convert it to float64 first"),
    "nan": (npy_bytes(np.array([[1, np.nan]])), r"got nan at index \(0, 1\)"),
    "complex inf": (npy_bytes(np.array([[complex(0, np.inf)]])), r"at index \(0, 0\)"),
    "truncated": (
        npy_bytes(DENSE)[:-1],
        "claims shape .* 48 bytes, and 47 .*truncated",
    ),
    "truncated header": (npy_bytes(DENSE)[:40], "not a NumPy file"),
    "magic only": (b"\x93NUMPY", "not a NumPy file"),
    "not numpy": (b"1,2\n3,4\n", "not a NumPy file"),
    "unknown version": (b"\x93NUMPY\x09\x00" + bytes(200), "not a NumPy file"),
    "ten gigabytes": (
        npy_with_header(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (40000, 32000), }"
        ),
        "10240000000 bytes, and 0 bytes follow",
    ),
    "negative shape": (
        npy_with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 4), }"),
        "impossible shape",
    ),
    "wrong keys": (npy_with_header("{'descr': '<f8'}"), "not a NumPy file"),
    "bad dtype": (
        npy_with_header("{'descr': 'zz', 'fortran_order': False, 'shape': (1, 1), }"),
        "not a NumPy file",
    ),
    "code in the header": (npy_with_header("__import__('os')"), "not a NumPy file"),
}


@pytest.mark.parametrize("case", BAD_NPY)
def test_bad_numpy_file_gets_one_line(tmp_path, case):
    content, message = BAD_NPY[case]
    refused(matrix_market(tmp_path, content, "A.npy"), message)


@pytest.mark.parametrize("case", sorted(set(BAD_NPY) - {"magic only", "not numpy"}))
def test_the_same_faults_inside_an_archive_get_one_line(tmp_path, case):
    content, message = BAD_NPY[case]
    with zipfile.ZipFile(tmp_path / "A.npz", "w") as archive:
        archive.writestr("A.npy", content)
    refused(tmp_path / "A.npz", message)


def test_archive_of_several_arrays_needs_a_name(tmp_path):
    path = tmp_path / "A.npz"
    np.savez(path, stiffness=DENSE, mass=2 * DENSE)
    assert_array_equal(read_matrix(path, name="mass"), 2 * DENSE)
    refused(path, "choose one by name from stiffness, mass")
    refused(path, "no array called 'load'; it holds stiffness, mass", name="load")


def test_archive_of_one_array_needs_no_name(tmp_path):
    np.savez_compressed(tmp_path / "A.npz", anything=DENSE)
    assert_array_equal(read_matrix(tmp_path / "A.npz"), DENSE)


def test_name_is_refused_where_nothing_has_one(tmp_path):
    sp.save_npz(tmp_path / "A.npz", sp.csr_array(DENSE))
    refused(tmp_path / "A.npz", "leave the name out", name="B")
    np.save(tmp_path / "A.npy", DENSE)
    refused(tmp_path / "A.npy", r"only \.npz archives", name="B")


def sparse_archive(path, **changes):
    """Write what save_npz writes, with some of its arrays changed or left out."""
    A = sp.csr_array(DENSE)
    arrays = {
        "format": np.array(b"csr"),
        "shape": np.array(A.shape),
        "data": A.data,
        "indices": A.indices,
        "indptr": A.indptr,
    }
    arrays = {k: v for k, v in (arrays | changes).items() if v is not None}
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indices": np.array([0, 7, 1, 2, 0])}, "not those of a sparse matrix"),
        ({"indices": np.array([0, -1, 1, 2, 0])}, "not those of a sparse matrix"),
        ({"indptr": np.array([0, 99, 5])}, "not those of a sparse matrix"),
        ({"indptr": np.array([0, 5])}, "not those of a sparse matrix"),
        ({"indptr": None}, "not those of a sparse matrix"),
        ({"format": np.array(b"xyz")}, "archive"),
        ({"format": np.array([1.0])}, "not those of a sparse matrix"),
        ({"shape": np.array([2.5, 3])}, "shape in the archive is not one"),
        ({"shape": np.array([2])}, r"got shape \(2,\)"),
        ({"shape": np.array([0, 3])}, "at least one row"),
        ({"shape": np.array([10**12, 3])}, "nearly every row is empty"),
        ({"data": np.array([1, 2, np.nan, 4, 5])}, "finite, got nan at index"),
        ({"data": np.array(["a"] * 5)}, "numbers are needed"),
        ({"data": np.array([Payload()] * 5, dtype=object)}, "pickled Python objects"),
    ],
)
def test_bad_sparse_archive_gets_one_line(tmp_path, changes, message):
    refused(sparse_archive(tmp_path / "A.npz", **changes), message)


def test_unchanged_sparse_archive_is_read(tmp_path):
    A = read_matrix(sparse_archive(tmp_path / "A.npz"))
    assert_array_equal(A.toarray(), DENSE)


def test_truncated_and_corrupted_archives_get_one_line(tmp_path):
    np.savez(tmp_path / "whole.npz", A=np.arange(400.0).reshape(20, 20))
    content = (tmp_path / "whole.npz").read_bytes()
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 255
    for bad in (content[:100], content[:-5], bytes(damaged), b"PK\x03\x04"):
        refused(matrix_market(tmp_path, bad, "A.npz"), "not a whole .npz archive")


def test_archive_without_arrays_gets_one_line(tmp_path):
    with zipfile.ZipFile(tmp_path / "A.npz", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    refused(tmp_path / "A.npz", "holds no arrays")


def test_zip_bomb_is_not_inflated(tmp_path, monkeypatch):
    monkeypatch.setattr(_limits, "_GIB", 2**24)  # so that the test need not write one
    header = npy_with_header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1500, 2000), }"
    )
    with (
        zipfile.ZipFile(tmp_path / "A.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("A.npy", "w", force_zip64=True) as member,
    ):
        member.write(header)
        member.write(bytes(24 * 10**6))
    refused(tmp_path / "A.npz", "1.43 GiB in a compressed file")


def test_matrix_larger_than_half_the_memory_is_refused(tmp_path, monkeypatch):
    np.save(tmp_path / "A.npy", np.ones((64, 64)))
    write_matrix(tmp_path / "A.mtx", np.ones((64, 64)))
    np.savez(tmp_path / "A.npz", np.ones((64, 64)))
    assert _limits.memory_limit() > 2**27
    monkeypatch.setattr(_limits, "memory_limit", lambda: 2**14)
    for name in ("A.npy", "A.mtx", "A.npz"):
        refused(
            tmp_path / name, "and a matrix may take .* GiB here: half of the machine"
        )


# ---- paths -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["A.mtx", "A.mtx.gz", "A.npy", "A.npz"])
def test_missing_empty_and_odd_paths_get_one_line(tmp_path, name):
    path = tmp_path / name
    refused(path, "there is no such file")
    path.touch()
    refused(path, "the file is empty")
    path.unlink()
    path.mkdir()
    refused(path, "this is a directory")
    path.rmdir()
    os.mkfifo(path)
    refused(path, "a regular file is needed")


@pytest.mark.parametrize("name", ["A.xlsx", "A", "A.mtx.bz2", "mtx", "A.gz"])
def test_unknown_extension_lists_the_known_ones(tmp_path, name):
    refused(
        matrix_market(tmp_path, "1", name), r"one of \.mtx, \.mtx\.gz, \.npz, \.npy"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_gets_one_line(tmp_path):
    path = matrix_market(tmp_path, ARRAY + "1 1\n1\n")
    path.chmod(0)
    refused(path, "cannot be read")


def test_overlong_path_gets_one_line(tmp_path):
    refused(tmp_path / ("x" * 5000 + ".mtx"), "cannot be read|no such file")


# ---- SuiteSparse -----------------------------------------------------------------


def suitesparse_archive(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


WEST = (COORDINATE + "2 2 2\n1 1 4\n2 2 5\n").encode()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A server on this machine that stands in for the collection's."""
    pytest.importorskip("pooch")
    folder = tmp_path / "mirror"
    suitesparse_archive(
        folder / "HB" / "west0479.tar.gz", {"west0479/west0479.mtx": WEST}
    )
    with serving(folder) as address:
        url = f"{address}/{{group}}/{{name}}.tar.gz"
        monkeypatch.setattr(_suitesparse, "MIRRORS", (url,))
        yield folder


@pytest.fixture
def offline(monkeypatch):
    """An address at which nothing listens."""
    pytest.importorskip("pooch")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/{{group}}/{{name}}.tar.gz"
    monkeypatch.setattr(_suitesparse, "MIRRORS", (url, url.replace("127", "127", 1)))


@pytest.mark.parametrize("name", ["HB/west0479", "west0479"])
def test_named_matrix_is_downloaded_once(mirror, tmp_path, name):
    path = fetch_suitesparse(name, cache=tmp_path / "cache")
    assert_array_equal(read_matrix(path).toarray(), np.diag([4.0, 5.0]))
    (mirror / "HB" / "west0479.tar.gz").unlink()
    assert fetch_suitesparse(name, cache=tmp_path / "cache") == path


def test_second_mirror_is_tried_when_the_first_fails(mirror, tmp_path, monkeypatch):
    dead = _suitesparse.MIRRORS[0].replace("{group}", "gone/{group}")
    monkeypatch.setattr(_suitesparse, "MIRRORS", (dead, *_suitesparse.MIRRORS))
    assert fetch_suitesparse("west0479", cache=tmp_path / "cache").is_file()


def test_unknown_name_reports_the_server_answer(mirror, tmp_path):
    with pytest.raises(MatrixFileError, match="HTTP status 404"):
        fetch_suitesparse("HB/nothing", cache=tmp_path / "cache")


def test_offline_says_what_was_tried_and_what_to_do(offline, tmp_path):
    with pytest.raises(MatrixFileError) as error:
        fetch_suitesparse("west0479", cache=tmp_path)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("could not download HB/west0479: tried http://127.0.0.1")
    assert "ConnectionError" in message
    assert (
        f"put the archive at {tmp_path / 'HB' / 'west0479.tar.gz'} by hand" in message
    )
    assert "or give a local .mtx file" in message


def test_archive_put_by_hand_is_used_offline(offline, tmp_path):
    suitesparse_archive(
        tmp_path / "HB" / "west0479.tar.gz", {"./west0479/west0479.mtx": WEST}
    )
    assert fetch_suitesparse("west0479", cache=tmp_path).read_bytes() == WEST


def test_nothing_but_the_matrix_leaves_the_archive(offline, tmp_path):
    suitesparse_archive(
        tmp_path / "HB" / "A.tar.gz",
        {"../../evil": b"", "A/A_b.mtx": b"", "A/A.mtx": WEST},
    )
    fetch_suitesparse("HB/A", cache=tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [
        "A.mtx",
        "A.tar.gz",
    ]


def test_archive_of_another_matrix_is_refused(offline, tmp_path):
    suitesparse_archive(tmp_path / "HB" / "A.tar.gz", {"B/B.mtx": WEST})
    with pytest.raises(MatrixFileError, match=r"holds no A/A\.mtx"):
        fetch_suitesparse("HB/A", cache=tmp_path)


def test_link_in_place_of_the_matrix_is_refused(offline, tmp_path):
    (tmp_path / "HB").mkdir()
    with tarfile.open(tmp_path / "HB" / "A.tar.gz", "w:gz") as tar:
        link = tarfile.TarInfo("A/A.mtx")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(MatrixFileError, match=r"holds no A/A\.mtx"):
        fetch_suitesparse("HB/A", cache=tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x1f\x8b\x08"])
def test_what_is_no_archive_is_refused(offline, tmp_path, content):
    (tmp_path / "HB").mkdir()
    (tmp_path / "HB" / "A.tar.gz").write_bytes(content)
    with pytest.raises(MatrixFileError, match=r"not a whole \.tar\.gz .*; delete it"):
        fetch_suitesparse("HB/A", cache=tmp_path)


@pytest.mark.parametrize(
    "name", ["", "..", "../A", "a/b/c", "/etc/passwd", "HB/", "a b"]
)
def test_impossible_names_never_reach_the_network(name):
    with pytest.raises(ValueError, match="GROUP/NAME, such as HB/west0479"):
        fetch_suitesparse(name)


def test_bare_unknown_name_asks_for_its_group():
    with pytest.raises(ValueError, match="the group of 'rajat11' is not known here"):
        fetch_suitesparse("rajat11")


def test_missing_pooch_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'condlab\[studies\]'"):
        fetch_suitesparse("west0479")


@pytest.mark.parametrize("kind", ["coordinate", "array"])
@pytest.mark.parametrize("structure", ["general", "symmetric", "skew-symmetric"])
def test_reader_agrees_with_scipy_on_random_matrices(tmp_path, kind, structure):
    A = sp.random_array((60, 60), density=0.1, rng=np.random.default_rng(0))
    A = {"general": A, "symmetric": A + A.T, "skew-symmetric": A - A.T}[structure]
    A = A.toarray() if kind == "array" else sp.csr_array(A)
    scipy.io.mmwrite(tmp_path / "A.mtx", A, symmetry=structure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_array_equal(dense(read_matrix(tmp_path / "A.mtx")), dense(A))


def test_a_matrix_may_take_no_more_than_the_container_leaves(monkeypatch):
    monkeypatch.setattr(_limits, "available_bytes", lambda: 12345)
    assert _limits.memory_limit() == 12345
