"""Clouds of points: where they lie, who is near whom, and ModelNet's layout."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from torch.testing import assert_close

from studies import models, point_clouds
from studies.data import clouds, meshes
from studies.engine.options import Options
from studies.models.dgcnn import EdgeConv, nearest
from studies.scenes.solids import on_surface, winding_number
from studies.scenes.surfaces import SURFACES
from tests.studies.stand_ins import write_modelnet


def cloud(n=2, points=40, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(n, channels, points)))


@pytest.mark.parametrize("channels", [1, 3, 16])
def test_neighbours_are_those_of_a_kd_tree(channels):
    x = cloud(channels=channels)
    found = nearest(x, 7)
    for own, rows in zip(found, x.transpose(1, 2).numpy(), strict=True):
        assert np.array_equal(own, cKDTree(rows).query(rows, 7)[1])


def test_more_neighbours_than_points_are_refused():
    with pytest.raises(ValueError, match="from 1 to the number of points, 40, got 41"):
        nearest(cloud(), 41)


def test_an_edge_convolution_is_that_of_loops():
    torch.manual_seed(0)
    layer = EdgeConv(3, 5, 4, lambda _: torch.nn.Identity()).double()
    x = cloud(n=1, points=9)
    W = layer.conv.weight.detach()[:, :, 0, 0]
    rows = x[0].T.numpy()
    near = cKDTree(rows).query(rows, 4)[1]
    expected = np.zeros((5, 9))
    for i in range(9):
        edges = [W @ torch.cat([x[0, :, i], x[0, :, j] - x[0, :, i]]) for j in near[i]]
        expected[:, i] = torch.stack(edges).clamp(min=0).amax(0).numpy()
    assert_close(layer(x)[0], torch.from_numpy(expected))


@pytest.mark.parametrize("arm", point_clouds.ARMS)
def test_the_order_of_points_does_not_matter(arm):
    torch.manual_seed(0)
    config = replace(point_clouds.Config(), arm=arm)
    net = point_clouds.network(config, point_clouds.clouds("surfaces", None, 64))
    net = net.double().eval()
    x = cloud(n=3, points=64)
    order = torch.randperm(64)
    assert_close(net(x), net(x[:, :, order]))
    torch.manual_seed(0)
    edge = EdgeConv(3, 4, 5, torch.nn.BatchNorm2d).double()
    assert_close(edge(x)[:, :, order], edge(x[:, :, order]))


def test_graphs_are_those_of_the_features_that_come_in():
    """Points that features bring together are neighbours in the next layer."""
    torch.manual_seed(0)
    net = models.DGCNN(2, widths=(4, 4), embedding=8, k=3).double().eval()
    x = cloud(n=1, points=12)
    hidden = net.edges[0](x)
    assert not torch.equal(nearest(hidden, 3), nearest(x, 3))


def test_the_size_is_that_of_its_layers():
    net = models.DGCNN(40, norm="batch")
    edges = 64 * 6 + 64 * 128 + 64 * 128 + 128 * 128
    rest = 320 * 1024 + 1024 * 512 + 512 * 256 + 257 * 40
    norms = 2 * (64 + 64 + 64 + 128 + 1024 + 512 + 256)
    assert sum(p.numel() for p in net.parameters()) == edges + rest + norms


@pytest.mark.parametrize("name", SURFACES)
def test_written_out_surfaces_are_closed_and_turned_outwards(name):
    vertices, faces = SURFACES[name]()
    edges = Counter((int(f[i]), int(f[i - 2])) for f in faces for i in range(3))
    assert all(n == edges[b, a] == 1 for (a, b), n in edges.items())
    corners = vertices[faces]
    volume = np.linalg.det(corners).sum() / 6
    assert volume > 0
    inside = {"ring": (1, 0, 0), "square_ring": (1, 0, 0), "trefoil": (1, 0, 0)}
    point = np.array([inside.get(name, (0.01, 0.02, 0.03))], float)
    assert winding_number(point, corners) == pytest.approx(1, abs=1e-9)
    assert winding_number(np.array([[9.0, 9.0, 9.0]]), corners) == pytest.approx(0)


def test_volumes_are_those_of_the_formulas():
    """A grid within a convex body has less, by the square of its step."""
    for name, volume in (("ball", 4 * np.pi / 3), ("octahedron", 4 / 3)):
        vertices, faces = SURFACES[name]()
        found = np.linalg.det(vertices[faces]).sum() / 6
        assert volume * 0.98 < found < volume * (1 + 1e-9)
    vertices, faces = SURFACES["ring"]()
    found = np.linalg.det(vertices[faces]).sum() / 6
    assert 0.98 < found / (2 * np.pi**2 * 0.35**2) < 1


def test_points_lie_on_the_mesh_as_dense_everywhere():
    """On the ball all directions are alike, and each point is in a triangle's plane."""
    vertices, faces = SURFACES["octahedron"]()
    corners = vertices[faces]
    points = on_surface(corners, 4000, np.random.default_rng(0))
    assert np.allclose(np.abs(points).sum(axis=1), 1, atol=1e-12)
    octants = Counter(map(tuple, (points > 0).astype(int).tolist()))
    assert len(octants) == 8
    # Eight equal shares of 4000: five deviations of a binomial count.
    assert max(abs(n - 500) for n in octants.values()) < 5 * np.sqrt(4000 * 7 / 64)


def test_clouds_fill_the_unit_ball_and_classes_are_shapes():
    made = point_clouds.clouds("surfaces", None, 32)
    assert made.num_classes == len(SURFACES) >= 8
    points, labels = made.train
    assert points.shape == (200 * made.num_classes, 3, 32)
    assert labels.bincount().tolist() == [200] * made.num_classes
    assert_close(points.norm(dim=1).amax(1), torch.ones(len(points)))
    assert not set(map(tuple, made.test[0][:, 0].tolist())) & set(
        map(tuple, points[:, 0].tolist())
    )


def test_turns_about_the_vertical_keep_heights_and_distances():
    x = cloud(n=5)
    turned = point_clouds.about_vertical(torch.rand(5, dtype=torch.float64) * 6) @ x
    assert_close(turned[:, 2], x[:, 2])
    assert_close(turned.norm(dim=1), x.norm(dim=1))


def test_augmented_clouds_are_near_turned_and_scaled_ones():
    x = cloud(n=50).float()
    made = point_clouds.augmented(x, torch.Generator().manual_seed(0))
    centred = made - made.mean(2, keepdim=True)
    before = x - x.mean(2, keepdim=True)
    scales = centred.flatten(1).norm(dim=1) / before.flatten(1).norm(dim=1)
    assert 0.78 < float(scales.min()) < 0.9
    assert 1.15 < float(scales.max()) < 1.27
    again = point_clouds.augmented(x, torch.Generator().manual_seed(0))
    assert torch.equal(made, again)


def test_modelnets_files_are_read_fused_headers_too(tmp_path):
    write_modelnet(tmp_path / "ModelNet40", per_part=3)
    made = point_clouds.clouds("modelnet40", tmp_path, 50)
    assert made.num_classes == 2
    assert made.train[1].tolist() == made.test[1].tolist() == [0, 0, 0, 1, 1, 1]
    flat = made.train[0].transpose(1, 2)
    assert_close(flat.norm(dim=2).amax(1), torch.ones(6))
    tall = (flat.amax(1) - flat.amin(1))[:, 1] / (flat.amax(1) - flat.amin(1))[:, 0]
    assert tall.tolist() == pytest.approx([2, 2, 2, 3, 3, 3], rel=0.15)


@pytest.mark.parametrize(
    "head", ["OFF8 6 0", "OFF\n8 6 0", "OFF 8 6 0", "OFF8 6 0 # x"]
)
def test_headers_may_be_fused_with_the_counts(tmp_path, head):
    write_modelnet(tmp_path)
    path = tmp_path / "airplane" / "train" / "airplane_0001.off"
    rest = path.read_text().split("\n", 1)[1]
    path.write_text(f"{head}\n{rest}")
    vertices, faces = meshes.read(path)
    assert (vertices.shape, faces.shape) == ((8, 3), (12, 3))
    assert abs(np.linalg.det(vertices[faces]).sum()) / 6 == pytest.approx(2)


@pytest.mark.parametrize("head", ["OFFx8 6 0", "off8 6 0", "COFF8 6 0", "OFF8.5 6 0"])
def test_other_headers_are_refused(tmp_path, head):
    path = tmp_path / "a.off"
    path.write_text(f"{head}\n0 0 0\n")
    with pytest.raises(ValueError, match="must begin with OFF and three counts"):
        meshes.read(path)


def test_open_meshes_do_for_surfaces_and_flat_ones_do_not(tmp_path):
    path = tmp_path / "a.off"
    path.write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    assert clouds.corners_of(path).shape == (1, 3, 3)
    with pytest.raises(ValueError, match="must be closed"):
        meshes.read(path)
    path.write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n2 0 0\n3 0 1 2\n")
    with pytest.raises(ValueError, match="must have a triangle with an area"):
        clouds.corners_of(path)


def test_folders_without_clouds_are_told_of(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="no folders CLASS/train and CLASS/test"
    ):
        point_clouds.clouds("modelnet40", tmp_path, 8)
    with pytest.raises(FileNotFoundError, match="has no file of armadillo"):
        point_clouds.clouds("meshes", tmp_path, 8)
    with pytest.raises(ValueError, match="say with --data where ModelNet40 is"):
        point_clouds.clouds("modelnet40", None, 8)
    with pytest.raises(ValueError, match="of surfaces, meshes or modelnet40; got 'x'"):
        point_clouds.task(replace(point_clouds.Config(), data="x"), Options("smoke"))
