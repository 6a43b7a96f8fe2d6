"""Text files and MATLAB files: what they hold is read, what is wrong gets one line."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from numpy.testing import assert_array_equal

import condlab
import condlab.io
from condlab.errors import MatrixFileError
from condlab.io import read_matrix
from tests.files import bits, refused, written
from tests.optional import given, hnp, st

BIG = 2**60 + 1


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
@pytest.mark.parametrize(
    "A",
    [
        np.array([[1.5, -0.0], [1 / 3, 3e300]]),
        np.array([[1 + 2j, 0]]),
        np.array([[0.1, 2]], np.float32),
        sp.csc_array(np.array([[0, 2.5], [1e-300, 0]])),
        np.array([[1, -3]], np.int16),
        np.array([[2**60, -1]], np.int64),
        np.array([[True, False]]),
        np.array([[0.1 + 2j, 3]], np.complex64),
        sp.csc_array(np.array([[0, 2.5j], [1, 0]])),
        sp.csc_array(np.array([[0, True], [False, False]])),
        sp.csc_array((3, 2)),
    ],
)
def test_matlab_files_are_read(tmp_path, A, compressed):
    path = tmp_path / "A.mat"
    scipy.io.savemat(path, {"A": A}, do_compression=compressed)
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


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "A", [np.array([[1.5, 2], [3, 4]]), sp.csc_array(np.eye(3)), np.array([[1j]])]
)
def test_matlab_file_damaged_at_any_byte_is_refused_or_still_a_matrix(
    tmp_path, A, compressed
):
    # SciPy 1.17's reader ends in a segmentation fault for some of these
    scipy.io.savemat(tmp_path / "A.mat", {"A": A}, do_compression=compressed)
    whole = (tmp_path / "A.mat").read_bytes()
    for at in range(120, len(whole)):
        for bad in (whole[at] ^ 255, whole[at] ^ 1):
            damaged = whole[:at] + bytes([bad]) + whole[at + 1 :]
            path = written(tmp_path, "B.mat", damaged)
            try:
                assert np.isfinite(bits(read_matrix(path))[0]).all()
            except MatrixFileError as error:
                assert "\n" not in str(error)  # noqa: PT017 - either is right


def test_compressed_claims_are_not_believed(tmp_path):
    scipy.io.savemat(tmp_path / "A.mat", {"A": np.zeros((9, 9))}, do_compression=True)
    content = bytearray((tmp_path / "A.mat").read_bytes())
    inner = bytearray(zlib.decompress(content[136:]))
    inner[4:8] = (2**31).to_bytes(4, "little")  # the size of the variable
    packed = zlib.compress(inner)
    head = content[:132] + len(packed).to_bytes(4, "little")
    refused(written(tmp_path, "B.mat", bytes(head + packed)), "in a compressed file")


def test_big_endian_matlab_files_are_read(tmp_path):
    def element(kind, content):
        tag = kind.to_bytes(4, "big") + len(content).to_bytes(4, "big")
        return tag + content + bytes(-len(content) % 8)

    parts = [
        element(6, (6).to_bytes(4, "big") + bytes(4)),
        element(5, np.array([1, 2], ">i4").tobytes()),
        element(1, b"matrix"),
        element(9, np.array([1.5, -2], ">f8").tobytes()),
    ]
    content = bytes(124) + b"\x01\x00MI" + element(14, b"".join(parts))
    A = read_matrix(written(tmp_path, "A.mat", content))
    assert_array_equal(A, [[1.5, -2]])
    assert A.dtype.isnative


# ---- what can be named -----------------------------------------------------------


def test_the_room_lists_its_own_names_only():
    assert set(dir(condlab.io)) == set(condlab.io.__all__)
