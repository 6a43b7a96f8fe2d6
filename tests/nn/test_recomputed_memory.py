"""What a training step holds of weights that backward computes again."""

import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from condlab.nn import condition, normalise_weights
from condlab.nn.maps import _recomputed


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """Take every weight for one that is worth it."""
    monkeypatch.setattr(_recomputed, "ROWS", 0)
    monkeypatch.setattr(_recomputed, "WORK", 0)


class Live(TorchDispatchMode):
    """Count the bytes of the tensors that are alive, and the most there were."""

    def __init__(self):
        super().__init__()
        self.storages, self.peak = {}, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for t in tree_leaves(out):
            if isinstance(t, torch.Tensor):
                storage = t.untyped_storage()
                self.storages[storage._cdata] = StorageWeakRef(storage)
        self.peak = max(self.peak, self.bytes())
        return out

    def bytes(self):
        for key, storage in list(self.storages.items()):
            if storage.expired():
                del self.storages[key]
        return sum(
            torch.UntypedStorage._new_with_weak_ptr(s.cdata).nbytes()
            for s in self.storages.values()
        )


def kept_between(make, x):
    """Return bytes held between forward and backward, and the most of the step."""
    net = make()
    with Live() as live:
        loss = net(x).square().sum()
        held = live.bytes()
        loss.backward()
    return held, live.peak


@pytest.mark.parametrize(
    "method", ["row", "column", "row_column", "ruiz", "standardize"]
)
def test_nothing_of_a_weights_size_is_held_between_forward_and_backward(method):
    torch.manual_seed(0)
    n, depth = 64, 6
    size = 4 * n * n
    x = torch.randn(4, n)

    def plain():
        return nn.Sequential(*(nn.Linear(n, n) for _ in range(depth)))

    held, peak = kept_between(plain, x)
    more, most = kept_between(lambda: normalise_weights(plain(), method), x)
    lines = 10 * depth * 4 * n * (10 if method == "ruiz" else 1)
    assert more - held <= lines  # of rows and columns: means, norms, divisors
    if method in ("row", "column"):  # one weight and one gradient beside the plain
        assert most - peak <= 2 * size + lines


def test_a_weight_with_a_gain_is_held_but_once(monkeypatch):
    torch.manual_seed(0)
    n = 64
    x = torch.randn(4, n, requires_grad=True)
    held, _ = kept_between(lambda: nn.Linear(n, n), x)
    more, _ = kept_between(lambda: condition(nn.Linear(n, n), gain=True), x)
    assert more - held < 1.5 * 4 * n * n
    monkeypatch.setattr(_recomputed, "ROWS", 1 << 60)
    most, _ = kept_between(lambda: condition(nn.Linear(n, n), gain=True), x)
    assert most - held > 1.9 * 4 * n * n


def test_the_graph_lets_go_of_everything_when_it_goes():
    torch.manual_seed(0)
    layer, x = condition(nn.Linear(8, 8), "row_column"), torch.randn(4, 8)
    raw = layer.parametrizations.weight.original
    with Live() as live:
        loss = layer(x).square().sum()
        assert live.bytes() > x.nbytes + raw.nbytes  # which were there, and are seen
        torch.autograd.grad(loss, raw)
        del loss
        assert live.bytes() == x.nbytes + raw.nbytes
