"""Matrices come back from files as they went in, and bad paths get one clear line."""

from __future__ import annotations

import os
import stat
import warnings

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from condlab.errors import MatrixFileError
from condlab.io import (
    EXTENSIONS,
    _limits,
    read_matrix,
    write_matrix,
)
from tests.io.matrix_files import ARRAY, DENSE, dense, matrix_market, refused
from tests.optional import given, hnp, st


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
