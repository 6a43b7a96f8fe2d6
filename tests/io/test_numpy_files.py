"""NumPy's arrays, archives and SciPy's sparse archives, good and bad."""

from __future__ import annotations

import io
import os
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from condlab.io import (
    _limits,
    read_matrix,
    write_matrix,
)
from tests.io.matrix_files import DENSE, matrix_market, refused


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
