"""`condlab cond` and the sources of matrices that every command takes."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

import condlab
from condlab.gallery import GALLERY, laplacian_2d
from condlab.io import write_matrix
from tests.cli.printed import parse_json


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
