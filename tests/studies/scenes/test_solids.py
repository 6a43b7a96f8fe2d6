"""Meshes, and which points are inside."""

import numpy as np
import pytest
import torch

from studies.__main__ import main
from studies.data import meshes
from studies.scenes.solids import NEAR, WRITTEN_OUT, load, sample, winding_number
from studies.shapes import intersection_over_union

CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
QUADS = (
    (0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3),
)  # fmt: skip
FACES = np.array([t for q in QUADS for t in (q[:3], (q[0], *q[2:]))])


def obj(vertices=CUBE, faces=QUADS, style="{}"):
    lines = ["# a cube", *("v {} {} {}".format(*v) for v in vertices)]
    lines += ["f " + " ".join(style.format(i + 1) for i in q) for q in faces]
    return "\n".join(lines)


def off(vertices=CUBE, faces=QUADS):
    lines = ["OFF", f"{len(vertices)} {len(faces)} 0"]
    lines += ["{} {} {}".format(*v) for v in vertices]
    return "\n".join(lines + [" ".join(map(str, (len(q), *q))) for q in faces])


def inside_cube(points):
    return np.abs(points).max(axis=1) < 1


@pytest.fixture
def points():
    return np.random.default_rng(0).uniform(-1.5, 1.5, (500, 3))


def test_a_closed_mesh_winds_once_around_what_is_inside(points):
    found = winding_number(points, CUBE[FACES])
    np.testing.assert_allclose(found, inside_cube(points), atol=1e-12)


def test_a_mesh_inside_out_winds_the_other_way(points):
    there, back = (winding_number(points, CUBE[F]) for F in (FACES, FACES[:, ::-1]))
    np.testing.assert_allclose(back, -there, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.obj", obj()),
        ("a.obj", obj(style="{0}/1/{0}")),
        ("a.off", off()),
        ("a.off", off(faces=FACES.tolist())),
    ],
)
def test_a_mesh_is_read_from_text_and_cut_into_triangles(tmp_path, points, name, text):
    (tmp_path / name).write_text(text)
    vertices, faces = meshes.read(tmp_path / name)
    assert faces.shape == (12, 3)
    found = winding_number(points, vertices[faces]) > 0.5
    np.testing.assert_array_equal(found, inside_cube(points))


def test_negative_numbers_of_an_obj_file_count_from_the_end(tmp_path):
    last = [[i - 8 - 1 for i in quad] for quad in QUADS]  # obj() adds the one
    (tmp_path / "a.obj").write_text(obj(faces=last))
    np.testing.assert_array_equal(meshes.read(tmp_path / "a.obj")[1], FACES)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.obj", obj(faces=QUADS[:5]), "must be closed.*4 edges"),
        ("a.obj", obj(vertices=CUBE[:7]), "names the vertices .* of 7"),
        ("a.obj", obj().replace("f 1", "f one"), "line 10: cannot read"),
        ("a.off", off()[:-9], "must begin with OFF"),
        ("a.off", "solid", "must begin with OFF"),
        ("a.off", "1 " + off(), "must begin with OFF"),
        ("a.obj", "", "must be closed"),
    ],
)
def test_a_damaged_mesh_is_refused(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=words):
        meshes.read(tmp_path / name)


def test_archives_without_the_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", v=CUBE)
    with pytest.raises(ValueError, match="must hold arrays v and f"):
        meshes.read(tmp_path / "a.npz")


def test_a_mesh_is_made_to_fill_the_cube_and_found_in_its_folder(tmp_path):
    (tmp_path / "meshes").mkdir()
    np.savez(tmp_path / "meshes" / "box.npz", v=[5, 0, 0] + CUBE * [3, 1, 1], f=FACES)
    solid = load("box", tmp_path)
    axis = np.array([[0.79, 0, 0], [0.81, 0, 0], [0, 0.26, 0], [0, 0.27, 0]])
    assert solid.inside(axis).tolist() == [True, False, True, False]
    near = solid.near(400, np.random.default_rng(0))
    beyond = np.abs(np.abs(near) / [0.8, 0.8 / 3, 0.8 / 3] - 1).min(axis=1)
    assert np.quantile(beyond, 0.9) < 4 * NEAR / (0.8 / 3)


def test_any_closed_mesh_is_taken_by_its_path(tmp_path, capsys):
    (tmp_path / "cube.off").write_text(off())
    path = str(tmp_path / "cube.off")
    assert load(path).inside(np.array([[0.79, 0, 0], [0.81, 0, 0]])).tolist() == [1, 0]
    out = ["--out", str(tmp_path), "--jobs", "1"]
    assert main(["shapes", "--scene", path, "--arms", "plain", *out, "--json"]) == 0
    assert path in capsys.readouterr().out


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_samples_are_half_near_the_surface_and_the_same_each_time(name):
    (points, inside), (again, _) = (sample(load(name), 400, 3) for _ in range(2))
    np.testing.assert_array_equal(points, again)
    assert np.abs(points).max() <= 1
    volume, near = inside[:200].mean(), inside[200:].mean()
    assert 0.01 < volume < 0.5
    assert 0.3 < near < 0.7


def test_a_solid_that_is_not_there_is_said(tmp_path):
    with pytest.raises(
        ValueError, match=r"carved, knot, the meshes in --data .* end in"
    ):
        load("teapot", tmp_path)


def test_the_carved_cube_is_what_its_five_conditions_leave():
    points = np.random.default_rng(1).uniform(-1, 1, (200_000, 3))
    x, y, z = np.abs(points).T
    expected = (
        (np.maximum(x, np.maximum(y, z)) < 0.6)
        & (x**2 + y**2 + z**2 < 0.64)
        & (np.hypot(x, y) > 0.35)
        & (np.hypot(y, z) > 0.35)
        & (np.hypot(x, z) > 0.35)
    )
    np.testing.assert_array_equal(load("carved").inside(points), expected)


def test_intersection_over_union_is_one_for_the_truth_and_zero_for_its_complement():
    truth = torch.tensor([1.0, 0.0, 1.0])
    assert intersection_over_union(truth - 0.5, truth) == 1.0
    assert intersection_over_union(0.5 - truth, truth) == 0.0
