"""Files give back the very numbers: every type, symmetry and field."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from numpy.testing import assert_array_equal

import condlab
import condlab.io
from condlab.io import EXTENSIONS, read_matrix, write_matrix
from tests.files import bits, refused, written
from tests.optional import given, hnp, st

COORDINATE = "%%MatrixMarket matrix coordinate real general\n"
BIG = 2**60 + 1


# ---- what is written comes back, bit for bit -------------------------------------

TYPES = ["f2", "f4", ">f4", "f8", "c8", "c16", "?", "i1", "u2", "i4", "i8", "u8"]
KINDS = {
    "general": [[1, 0, 7], [-0.0, 1 / 3, 5]],
    "symmetric": [[1 / 3, 5], [5, 0]],
    "skew-symmetric": [[0, -3], [3, 0]],
    "hermitian": [[2, 3 - 1j], [3 + 1j, 0]],
    "symmetric but for a sign of zero": [[1, -0.0], [0.0, 1]],
    "real and called complex": [[2 + 0j, 3], [3, 0]],
    "ones": [[1, 1], [1, 0]],
    "zeros": [[0, 0], [0, 0]],
}


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_type_and_symmetry_comes_back_bit_for_bit(
    tmp_path, extension, dtype, kind
):
    given_ = np.array(KINDS[kind])
    if given_.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        given_ = given_.real
    A = (abs(given_) if np.dtype(dtype).kind == "u" else given_).astype(dtype)
    for container in (np.asarray, sp.coo_array):
        if container is sp.coo_array and (
            extension == ".npy" or dtype in ("f2", ">f4")
        ):
            continue
        path = tmp_path / f"A{extension}"
        write_matrix(path, container(A), overwrite=True)
        B = read_matrix(path)
        assert bits(B) == bits(container(A))
        assert sp.issparse(B) == (container is sp.coo_array)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_single_precision_keeps_its_condition_number(tmp_path, extension):
    A = np.array([[1, 1], [1, 1 + 2**-23]], dtype=np.float32)
    write_matrix(tmp_path / f"A{extension}", A)
    kappa = condlab.cond_2(read_matrix(tmp_path / f"A{extension}"))
    assert kappa == condlab.cond_2(A)
    exact = 4 * 2.0**23 + 2 + 2.0**-22  # |A|_F^2 / det, less 1 / kappa
    assert kappa.lower <= exact <= kappa.upper


single = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(A=hnp.arrays(np.float32, (2, 2), elements=single))
def test_every_single_precision_matrix_survives_matrix_market(tmp_path_factory, A):
    path = tmp_path_factory.mktemp("single") / "A.mtx"
    for B in (A, sp.csr_array(A), (A + 1j * A.T).astype(np.complex64)):
        write_matrix(path, B, overwrite=True)
        assert bits(read_matrix(path)) == bits(B)


def test_symmetric_matrices_are_still_written_as_one_triangle(tmp_path):
    for A in (np.ones((3, 3)), sp.csr_array(np.ones((3, 3)))):
        write_matrix(tmp_path / "A.mtx", A, overwrite=True)
        assert "symmetric" in (tmp_path / "A.mtx").read_text().splitlines()[0]


# ---- integers that float64 cannot hold -------------------------------------------

INTEGER = COORDINATE.replace("real", "integer")
ARRAY = "%%MatrixMarket matrix array integer general\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (INTEGER + f"% c\n2 2 2\n1 1 1\n\n2 2 {BIG}\n", 6),
        (INTEGER.replace("integer", "unsigned-integer") + f"1 1 1\n1 1 {2**64 - 1}", 3),
        (INTEGER.replace("general", "symmetric") + f"2 2 1\n2 1 -{BIG}\n", 3),
        (ARRAY + f"2 1\n{BIG}\n1\n", 3),
        (ARRAY + f"2 1\n1\n{2**53 + 1}\n", 4),
        (INTEGER + f"1 1 1\n1 1 {10**30 + 1}\n", 3),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_integer_of_a_file_that_would_be_rounded_is_refused(
    tmp_path, text, line, compressed
):
    content = gzip.compress(text.encode()) if compressed else text
    path = written(tmp_path, "A.mtx.gz" if compressed else "A.mtx", content)
    refused(path, rf"line {line}: every entry must be a float64 .*divide by")


def test_large_integers_that_float64_holds_are_read(tmp_path):
    path = written(tmp_path, "A.mtx", ARRAY + f"2 1\n{2**60}\n{10**22}\n")
    assert_array_equal(read_matrix(path), [[2.0**60], [1e22]])
    path = written(tmp_path, "A.mtx", INTEGER + f"1 2 2\n1 1 {2**60}\n1 2 -{2**70}\n")
    assert_array_equal(read_matrix(path).toarray(), [[2.0**60, -(2.0**70)]])
    path = written(tmp_path, "A.mtx", INTEGER + f"1 2 2\n1 1 {2**60}\n1 2 1\n")
    assert_array_equal(read_matrix(path).toarray(), [[2.0**60, 1]])


def test_integers_given_twice_add_up_exactly_or_are_refused(tmp_path):
    path = written(tmp_path, "A.mtx", INTEGER + f"1 1 2\n1 1 {2**53}\n1 1 1\n")
    refused(path, "given twice")
    path = written(tmp_path, "A.mtx", INTEGER + "1 1 2\n1 1 40\n1 1 2\n")
    assert read_matrix(path).toarray() == 42


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_integers_of_numpy_files_are_refused_by_their_place(tmp_path, dtype):
    A = np.array([[1, 2], [BIG, 1]], dtype)
    np.save(tmp_path / "A.npy", A)
    np.savez(tmp_path / "A.npz", A)
    sp.save_npz(tmp_path / "S.npz", sp.csr_array(A))
    scipy.io.savemat(tmp_path / "A.mat", {"A": A})
    for name in ("A.npy", "A.npz", "S.npz", "A.mat"):
        refused(tmp_path / name, rf"got {BIG} at index \(1, 0\)")


# ---- odd Matrix Market and NumPy files -------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "  " + COORDINATE + "1 1 1\n1 1 2\n",
        "\t" + COORDINATE + "1 1 1\n1 1 2\n",
        COORDINATE + "  % a comment\n1 1 1\n1 1 2\n",
        COORDINATE + "\t%\n%\n   % more\n\n  1 1 1\n  1 1 2\n",
    ],
)
def test_leading_blanks_are_read_as_scipy_reads_them(tmp_path, text):
    expected = scipy.io.mmread(io.BytesIO(text.encode())).toarray()
    assert_array_equal(
        read_matrix(written(tmp_path, "A.mtx", text)).toarray(), expected
    )
    path = written(tmp_path, "A.mtx.gz", gzip.compress(text.encode()))
    assert_array_equal(read_matrix(path).toarray(), expected)


@pytest.mark.parametrize("text", ["  % only\n", "\n \n"])
def test_preamble_of_blanks_lacks_the_sizes(tmp_path, text):
    refused(
        written(tmp_path, "A.mtx", COORDINATE + text), "the sizes is missing|header"
    )


def test_gzip_stream_of_nothing_gets_one_line(tmp_path):
    refused(written(tmp_path, "A.mtx.gz", gzip.compress(b"")), "file is empty once")
    refused(written(tmp_path, "B.mtx.gz", gzip.compress(b"\n\n")), "begins with")


def test_entries_given_twice_that_overflow_are_refused(tmp_path):
    text = COORDINATE + "2 2 2\n1 2 1e308\n1 2 1e308\n"
    refused(written(tmp_path, "A.mtx", text), r"add up to inf at index \(0, 1\)")
    S = sp.coo_array(([1e308, 1e308], ([0, 0], [1, 1])), shape=(2, 2))
    sp.save_npz(tmp_path / "A.npz", S)
    refused(tmp_path / "A.npz", r"add up to inf at index \(0, 1\)")


@pytest.mark.parametrize("shape", ["(True, 2)", "(1, False)", "(True, True)"])
def test_numpy_header_with_a_bool_for_a_size_gets_one_line(tmp_path, shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    padded = header.encode().ljust(117) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded
    refused(written(tmp_path, "A.npy", content + bytes(16)), "impossible shape")
