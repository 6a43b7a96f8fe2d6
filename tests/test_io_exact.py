"""Files give back the very numbers: every type, every field, text and MATLAB files."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

import condlab
import condlab.io
from condlab.errors import MatrixFileError
from condlab.io import EXTENSIONS, read_matrix, write_matrix

COORDINATE = "%%MatrixMarket matrix coordinate real general\n"
BIG = 2**60 + 1


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path, message, **options):
    with pytest.raises(MatrixFileError, match=message) as error:
        read_matrix(path, **options)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def bits(A):
    """Return shape and bytes in double precision: signs of zeros and all digits."""
    A = A.toarray() if sp.issparse(A) else np.asarray(A)
    # SciPy calls a sparse matrix without entries real, whatever its type
    is_complex = A.dtype.kind == "c" and A.any()
    return A.shape, (
        A.astype(complex) if is_complex else A.real.astype(float)
    ).tobytes()


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


# ---- text files ------------------------------------------------------------------

TEXTS = {
    "commas": "1,2.5\n-3e2,4\n",
    "semicolons": "1;2.5\n-3e2;4\n",
    "tabs": "1\t2.5\n-3e2\t4\n",
    "blanks": " 1  2.5\n-3e2 4\n",
    "names of columns": 'a,"b, c"\n1,2.5\n-3e2,4\n',
    "comments": "# by hand\n1,2.5\n\n-3e2,4\n",
    "byte order mark": "\ufeff1,2.5\n-3e2,4",
    "blanks beside commas": "1, 2.5\r\n-3e2 , 4\r\n",
    "quotes": '"1","2.5"\n"-3e2","4"\n',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_files_are_read(tmp_path, text):
    A = read_matrix(written(tmp_path, "A.csv", text))
    assert_array_equal(A, [[1, 2.5], [-300, 4]])
    assert A.dtype == np.float64


@given(
    A=hnp.arrays(
        float,
        hnp.array_shapes(min_dims=2, max_dims=2),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_what_numpy_writes_as_text_is_read_bit_for_bit(tmp_path_factory, A):
    path = tmp_path_factory.mktemp("text") / "A.csv"
    np.savetxt(path, A, delimiter=",", fmt="%.17g", header="by NumPy")
    assert bits(read_matrix(path)) == bits(A)


def test_complex_text_of_numpy_is_read(tmp_path):
    A = np.array([[1 + 2j, -3j], [0.5, 1]])
    np.savetxt(tmp_path / "A.csv", A, delimiter=",")
    assert_array_equal(read_matrix(tmp_path / "A.csv"), A)


BAD_TEXTS = {
    "index column of a data frame": (",a,b\n0,1,2\n", "line 1: column 1 .* row names"),
    "names of rows": ("x,1\ny,2\n", "line 1: column 1 must be a number .*got 'x'"),
    "decimal commas": ("1,5;2,5\n", "column 1 must be a number such as .* got '1,5'"),
    "a gap": ("1,2\n3,\n", "line 2: column 2 must be a number .* got ''"),
    "a short row": ("1,2\n\n3\n", "line 3: 2 numbers are needed .* got 1"),
    "a long row": ("1,2\n3,4,5\n", "line 2: 2 numbers are needed .* got 3"),
    "words": ("a,b\n1,x\n", "line 2: column 2 must be a number .* got 'x'"),
    "underscores": ("1_000,2\n3,4\n", "got '1_000'"),
    "nan": ("1,nan\n", r"finite, got nan at index \(0, 1\)"),
    "overflow": ("1,2\n1e999,2\n", r"finite, got inf at index \(1, 0\)"),
    "a rounded integer": (f"1,2\n{BIG},1\n", f"line 2: every entry .* got {BIG}"),
    "the first rounded": (f"-{2**53 + 1},2\n", f"every entry .* got -{2**53 + 1}"),
    "only names": ("a,b\n", "holds no numbers"),
    "nothing": ("\n \n# x\n", "holds no numbers"),
    "binary": (bytes(range(256)), "line 1"),
    "utf-16": ("1,2\n".encode("utf-16"), "must be a number"),
}


@pytest.mark.parametrize("case", BAD_TEXTS)
def test_bad_text_file_gets_one_line(tmp_path, case):
    content, message = BAD_TEXTS[case]
    refused(written(tmp_path, "A.csv", content), message)


# ---- MATLAB files ----------------------------------------------------------------


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("version", ["4", "5"])
@pytest.mark.parametrize(
    "A",
    [
        np.array([[1.5, -0.0], [1 / 3, 3e300]]),
        np.array([[1 + 2j, 0]]),
        np.array([[0.1, 2]], np.float32),
        sp.csc_array(np.array([[0, 2.5], [1e-300, 0]])),
        np.array([[1, -3]], np.int16),
    ],
)
def test_matlab_files_are_read(tmp_path, A, version, compressed):
    path = tmp_path / "A.mat"
    scipy.io.savemat(path, {"A": A}, format=version, do_compression=compressed)
    B = read_matrix(path)
    assert bits(B) == bits(A)
    assert sp.issparse(B) == sp.issparse(A)


def test_variable_of_a_matlab_file_is_chosen_by_name(tmp_path):
    path = tmp_path / "A.mat"
    scipy.io.savemat(path, {"K": np.eye(2), "M": 2 * np.eye(2), "note": "text"})
    assert_array_equal(read_matrix(path, name="M"), 2 * np.eye(2))
    refused(path, r"choose one by name from K \(double\), M \(double\), note \(char\)")
    refused(path, "no variable called 'L'; it holds K", name="L")
    refused(path, "numbers are needed, and note is a char", name="note")


def test_the_only_matrix_of_a_matlab_file_needs_no_name(tmp_path):
    scipy.io.savemat(tmp_path / "A.mat", {"A": np.eye(2), "note": "text"})
    assert_array_equal(read_matrix(tmp_path / "A.mat"), np.eye(2))


def test_matlab_files_without_a_matrix_get_one_line(tmp_path):
    scipy.io.savemat(tmp_path / "A.mat", {"s": {"a": 1.0}, "c": "text"})
    refused(tmp_path / "A.mat", r"none of them numbers: s \(struct\), c \(char\)")
    scipy.io.savemat(tmp_path / "A.mat", {"A": np.ones((2, 2, 2))})
    refused(tmp_path / "A.mat", r"matrix \(2-D\) is needed, got shape \(2, 2, 2\)")
    scipy.io.savemat(tmp_path / "A.mat", {"A": np.ones((0, 2))})
    refused(tmp_path / "A.mat", "at least one row and one column")


def test_matlab_files_of_version_7_3_are_called_hdf5(tmp_path):
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    path = written(tmp_path, "A.mat", header + bytes(384) + b"\x89HDF\r\n\x1a\n")
    refused(path, "version 7.3 is HDF5; save it from MATLAB with .*'-v7'.*h5py")


def test_damaged_matlab_files_get_one_line(tmp_path):
    scipy.io.savemat(tmp_path / "A.mat", {"A": np.arange(400.0).reshape(20, 20)})
    whole = (tmp_path / "A.mat").read_bytes()
    for content in (whole[:100], whole[:140], whole[:-9], b"1,2\n3,4\n", bytes(200)):
        refused(written(tmp_path, "B.mat", content), "not a whole MATLAB file|holds 0")


# ---- what can be named -----------------------------------------------------------


def test_the_room_lists_its_own_names_only():
    assert set(dir(condlab.io)) == set(condlab.io.__all__)
