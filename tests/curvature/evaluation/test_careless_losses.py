"""Losses that lose their parameters, change them or cannot be called with others."""

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from condlab.curvature import HessianOperator, make_loss
from condlab.nn import condition

X = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)).double()
Y = torch.tensor([0, 1, 2, 1, 0, 2])
TOKENS = torch.tensor([[0, 1, 2, 3], [3, 3, 1, 0]])


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()


def blind(params, batch):
    """Return a loss that does not see what it is given."""
    del params
    return network()(batch).square().mean()


def operator(module, x=X, y=Y):
    loss = make_loss(module, nn.CrossEntropyLoss())
    return HessianOperator(loss, dict(module.named_parameters()), [(x, y)])


class Embedded(nn.Module):
    """Classes of each token of a text."""

    def __init__(self, **options):
        super().__init__()
        torch.manual_seed(0)
        self.words = nn.Embedding(4, 3, **options)
        self.head = nn.Linear(3, 4)
        self.double()

    def forward(self, tokens):
        return self.head(torch.tanh(self.words(tokens))).transpose(1, 2)


@pytest.mark.parametrize("loss", [blind, lambda _, x: x.square().mean()])
def test_loss_that_does_not_see_the_parameters_is_refused(loss):
    with pytest.raises(ValueError, match="must depend on params"):
        HessianOperator(loss, dict(network().named_parameters()), [X])


def test_loss_that_depends_on_units_which_never_fire_has_a_zero_hessian():
    H = HessianOperator(
        lambda p, x: F.relu(x.abs() @ p["w"]).sum(), {"w": -torch.ones(3).double()}, [X]
    )
    assert not H.dense().any()


@pytest.mark.parametrize("wrap", [nn.DataParallel, torch.jit.script])
def test_module_that_takes_no_other_parameters_is_refused(wrap):
    with pytest.raises(ValueError, match="pass the module"):
        make_loss(wrap(network()), nn.CrossEntropyLoss())


def test_embedding_that_shortens_its_weight_in_place_is_refused_where_it_does():
    with pytest.raises(ValueError, match=r"must not change.*'words.weight'.*max_norm"):
        operator(Embedded(max_norm=0.1), TOKENS, TOKENS)
    torch.testing.assert_close(
        operator(Embedded(max_norm=1e3), TOKENS, TOKENS).dense(),
        operator(Embedded(), TOKENS, TOKENS).dense(),
    )


def test_sparse_gradients_of_embeddings_have_the_same_hessian():
    torch.testing.assert_close(
        operator(Embedded(sparse=True), TOKENS, TOKENS).dense(),
        operator(Embedded(), TOKENS, TOKENS).dense(),
    )


def test_module_that_keeps_a_graph_in_a_cache_is_refused():
    class Cached(nn.Linear):
        def forward(self, x):
            self.kept = getattr(self, "kept", None)
            if self.kept is None:
                self.kept = super().forward(x)
            return self.kept

    with pytest.raises(ValueError, match=r"second time it fails.*a cache"):
        operator(Cached(3, 3).double())


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"w": torch.empty(3, device="meta")}, "meta device"),
        ({"w": torch.empty(0, 3)}, "at least one number"),
    ],
)
def test_parameters_without_numbers_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        HessianOperator(lambda p, _: p["w"].sum(), params, [X])


def test_loss_that_is_an_integer_is_refused():
    with pytest.raises(ValueError, match=r"scalar tensor, real, got torch.int64"):
        HessianOperator(lambda p, _: p["w"].sum().long(), {"w": X[0]}, [X])


def test_parameters_of_very_different_sizes_go_through():
    params = {"small": 1e-6 * X[0], "large": torch.tensor([1e6]).double()}

    def loss(p, x):
        steep = 1e6 * p["small"]
        return (x @ steep + 1e-6 * p["large"]).square().mean() + steep.pow(4).sum()

    H = HessianOperator(loss, params, [X])
    # of 1e6 * small and 1e-6 * large, by hand
    A = torch.cat([X, torch.ones(6, 1).double()], dim=1)
    own = 2 * A.T @ A / 6 + torch.diag(12 * torch.cat([X[0], X[0, :1] * 0]).square())
    units = torch.tensor([1e6, 1e6, 1e6, 1e-6]).double()
    torch.testing.assert_close(H.dense() / units / units[:, None], own)


def test_conditioned_line_of_zeros_is_named_where_the_loss_jumps():
    net = network()
    nn.init.zeros_(net[2].weight[1].detach())
    loss = make_loss(condition(net), lambda z, _: z.sum())  # odd in the row
    with pytest.raises(ValueError, match=r"row 1 of 2.weight is zero and conditioned"):
        HessianOperator(loss, dict(net.named_parameters()), [(X, Y)])


@pytest.mark.slow
def test_compiled_module_has_the_hessian_of_what_was_compiled():
    compiled = torch.compile(network(), backend="aot_eager")
    torch.testing.assert_close(operator(compiled).dense(), operator(network()).dense())


class Noisy(nn.Sequential):
    """A network that drops units, and shifts its outputs by a buffer."""

    def __init__(self):
        super().__init__(*network(), nn.Dropout(0.5))
        self.register_buffer("shift", torch.zeros(3).double())

    def forward(self, x):
        return super().forward(x) + self.shift


@pytest.mark.parametrize("backend", ["retained", "rebuilt", "forward", "batched"])
def test_operator_stays_that_of_the_moment_when_it_was_made(backend):
    net = Noisy().eval()
    params = dict(net.named_parameters())
    loss = make_loss(net, nn.CrossEntropyLoss())
    H = HessianOperator(loss, params, [(X, Y)], backend=backend)
    v = torch.linspace(-1, 1, H.shape[0]).double()
    before, slope = H @ v, H.gradient()
    net.train()
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(3)
    torch.testing.assert_close(H @ v, before)
    torch.testing.assert_close(H.gradient(), slope)
    assert all(module.training for module in net.modules())


@pytest.mark.parametrize("name", ["0.weight", "shift"])
def test_operator_whose_surroundings_have_changed_says_so(name):
    net = Noisy().eval()
    params = {"2.weight": net[2].weight}
    loss = make_loss(net, nn.CrossEntropyLoss())
    H = HessianOperator(loss, params, [(X, Y)], backend="rebuilt")
    v = torch.ones(12).double()
    before = H @ v
    tensor = net.state_dict()[name]
    tensor.add_(0.0)  # a write of the same values
    torch.testing.assert_close(H @ v, before)
    tensor.add_(1.0)
    with pytest.raises(ValueError, match=f"'{name}' of the module has changed since"):
        H @ v


@pytest.mark.parametrize("use", [copy.deepcopy, pickle.dumps])
def test_copies_of_an_operator_are_refused_in_one_sentence(use):
    with pytest.raises(TypeError, match="cannot be copied or pickled; save"):
        use(operator(network()))
