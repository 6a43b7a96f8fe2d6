"""Batches that are too large to be tried whole: the matrix is that of all of them."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from condlab.curvature import HessianOperator, gauss_newton, jacobian, make_loss
from condlab.curvature.operators import _large
from condlab.curvature.operators._large import FEW

SAMPLES, WIDE = 2048, 128
TRIED = (
    2**19
)  # bytes, and batches are large from 2^22 on: a test is as good at that size
IGNORED = -100


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(_large, "LARGE", 2**22)
    monkeypatch.setattr(_large, "TRIED", TRIED)


@pytest.fixture(scope="module")
def problem():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 4), nn.Tanh(), nn.Linear(4, WIDE), nn.Tanh())
    net.append(nn.Linear(WIDE, WIDE))
    x, y = torch.randn(SAMPLES, 16), torch.randint(0, WIDE, (SAMPLES,))
    y[torch.rand(SAMPLES) < torch.linspace(0, 1, SAMPLES)] = IGNORED
    v = torch.randn(sum(p.numel() for p in net.parameters()))
    return net, (x, y), v


def reference(net, criterion, batch, v):
    """Return H v by torch alone, with the graph of the whole batch."""
    leaves = list(net.parameters())
    slopes = torch.autograd.grad(
        criterion(net(batch[0]), batch[1]), leaves, create_graph=True
    )
    parts = v.split([p.numel() for p in leaves])
    parts = [part.view_as(p) for part, p in zip(parts, leaves, strict=True)]
    found = torch.autograd.grad(slopes, leaves, grad_outputs=parts)
    return torch.cat([f.reshape(-1) for f in found])


def made(problem, criterion, **options):
    net, batch, _ = problem
    params = dict(net.named_parameters())
    return HessianOperator(make_loss(net, criterion), params, [batch], **options)


def close(a, b):
    return (a - b).norm() <= 1e-4 * b.norm()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_some_samples_are_tried_and_all_are_multiplied(problem, reduction):
    net, batch, v = problem
    criterion = nn.CrossEntropyLoss(reduction=reduction)
    H = made(problem, criterion, backend="retained")
    assert FEW / SAMPLES <= H.point.data.share < 1 / 2
    assert len(H.point.data) == 1
    assert close(H @ v, reference(net, criterion, batch, v))
    assert close(H @ v, reference(net, criterion, batch, v))  # from what is kept
    assert close(H.gradient(), H.flatten(gradients(net, criterion, batch)))


def test_large_batches_are_not_tried_with_several_vectors(problem):
    net, batch, v = problem
    H = made(problem, nn.CrossEntropyLoss())
    assert [one.name for one in H.timings] == ["retained graph", "forward over reverse"]
    V = torch.stack([v, v.flip(0)], dim=1)
    for product, w in zip((H @ V).T, V.T, strict=True):
        assert close(product, reference(net, nn.CrossEntropyLoss(), batch, w))


def gradients(net, criterion, batch):
    value = criterion(net(batch[0]), batch[1])
    params = dict(net.named_parameters())
    slopes = torch.autograd.grad(value, list(params.values()))
    return dict(zip(params, slopes, strict=True))


def test_the_noise_of_a_sum_is_that_of_all_its_samples(problem):
    mean = made(problem, nn.CrossEntropyLoss(), backend="retained").noise
    total = made(problem, nn.CrossEntropyLoss(reduction="sum"), backend="retained")
    counted = int((problem[1][1] != IGNORED).sum())
    assert total.noise > 0.01 * counted * mean


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_batch_whose_graph_does_not_fit_is_multiplied_in_parts(problem, reduction):
    net, batch, v = problem
    criterion = nn.CrossEntropyLoss(reduction=reduction)
    H = made(problem, criterion, backend="rebuilt", memory=4 * TRIED)
    assert len(H.point.data) > 2
    assert close(H @ v, reference(net, criterion, batch, v))


def test_parts_of_a_loader_are_read_anew_for_each_product(problem):
    net, (x, y), v = problem
    rows = torch.utils.data.TensorDataset(x, y)
    loader = torch.utils.data.DataLoader(rows, batch_size=SAMPLES)
    loss, params = make_loss(net, nn.CrossEntropyLoss()), dict(net.named_parameters())
    H = gauss_newton(loss, params, loader, memory=4 * TRIED)
    whole = gauss_newton(loss, params, [(x, y)])
    assert len(H.point.data) > 2
    assert len(whole.point.data) == 1
    assert close(H @ v, whole @ v)


def test_outputs_are_in_the_order_of_whole_batches(problem):
    net, batch, _ = problem
    loss, params = make_loss(net, nn.CrossEntropyLoss()), dict(net.named_parameters())
    J = jacobian(loss, params, [batch], memory=4 * TRIED)
    assert J.shape[0] == SAMPLES * WIDE
    u = torch.zeros(J.shape[0])
    u[5 * WIDE + 3] = 1.0  # the fourth output of the sixth sample
    slopes = torch.autograd.grad(net(batch[0])[5, 3], list(net.parameters()))
    assert close(J.T @ u, torch.cat([g.reshape(-1) for g in slopes]))


def test_samples_that_see_each_other_are_not_told_apart(problem):
    net, batch, v = problem

    def centred(z, y):
        return cross_entropy(z - z.mean(dim=0), y)

    H = made(problem, centred, backend="rebuilt", memory=4 * TRIED)
    assert len(H.point.data) == 1
    assert close(H @ v, reference(net, centred, batch, v))


def test_a_model_that_takes_one_size_of_batch_is_tried_whole(problem):
    net, batch, v = problem

    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.within = net

        def forward(self, x):
            return self.within(x.reshape(SAMPLES, 16))

    fixed = Fixed()
    H = HessianOperator(
        make_loss(fixed, nn.CrossEntropyLoss()),
        dict(fixed.named_parameters()),
        [batch],
        backend="retained",
    )
    assert H.point.data.share == 1
    assert close(H @ v, reference(net, nn.CrossEntropyLoss(), batch, v))
