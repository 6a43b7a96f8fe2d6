"""What is searched and found null is null by LAPACK, and nothing else is claimed."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations

from condlab.curvature import (
    HessianOperator,
    attention,
    find_invariances,
    make_loss,
    null_space,
    output_shift,
    relu_rescaling,
    require_invariant,
    row_scale,
)
from condlab.curvature.symmetry.null_space import Surroundings
from condlab.nn import condition

CONDITIONED = {
    "plain": lambda net: net,
    "row": condition,
    "column": lambda net: condition(net, "column"),
    "row-column": lambda net: condition(net, "row_column"),
    "jacobi": lambda net: condition(net, "jacobi"),
    "frozen": lambda net: condition(net, frozen=True),
    "frozen for good": lambda net: condition(net, frozen=True, every=None),
}


class Attending(nn.Module):
    """Attention of some options, and a classifier."""

    def __init__(self, **options):
        super().__init__()
        self.look = nn.MultiheadAttention(4, 2, **options)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        z = x if self.look.batch_first else x.transpose(0, 1)
        keys, values = z[..., : self.look.kdim], z[..., : self.look.vdim]
        seen = self.look(z, keys, values, need_weights=False)[0]
        return self.head(seen.mean(1 if self.look.batch_first else 0))


def hessian(net, shape, criterion=None, names=None, dtype=torch.float64):
    """Return the Hessian of a network on random data, in some of its parameters."""
    torch.manual_seed(0)
    net = net.to(dtype).eval()
    x = torch.randn(shape, dtype=torch.float64).to(dtype)
    with torch.no_grad():
        z = net(x)
    y = torch.arange(len(x)) % z.shape[-1]
    if criterion is not None:
        y = torch.randn(z.shape, dtype=torch.float64).to(dtype)
    params = {n: p for n, p in net.named_parameters() if names is None or names(n)}
    loss = make_loss(net, criterion or nn.CrossEntropyLoss())
    return HessianOperator(loss, params, [(x, y)])


def found(H, net):
    """Return what is found, having held it against all eigenvalues."""
    nulls = null_space(H, find_invariances(H, net, most=10**6))
    A = H.dense()
    values = torch.linalg.eigvalsh(A).abs()
    vanish = int((values < 1e-13 * len(A) * values.max()).sum())
    assert nulls.nullity <= vanish
    assert (A @ nulls.basis).norm() <= 1e-13 * len(A) * values.max()
    return {source: k for source, k in nulls.sources.items() if k}


@pytest.mark.parametrize("how", CONDITIONED)
@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"batch_first": True}, 4),
        ({}, 4),
        ({"kdim": 3, "vdim": 2}, 4),
        ({"add_bias_kv": True}, 4),
        ({"kdim": 3, "vdim": 2, "add_bias_kv": True, "batch_first": True}, 4),
        ({"add_zero_attn": True}, 0),
        ({"add_zero_attn": True, "add_bias_kv": True}, 0),
        ({"bias": False}, 0),
        ({"bias": False, "add_bias_kv": True}, 0),
    ],
    ids=str,
)
def test_key_bias_is_null_however_the_weights_are_held(how, options, keys):
    torch.manual_seed(1)
    net = CONDITIONED[how](Attending(**options))
    sources = found(hessian(net, (9, 3, 4)), net)
    assert sources.get("key bias", 0) == keys
    linear = how in ("plain", "frozen", "frozen for good", "jacobi")
    assert sources["softmax shift"] == (5 if linear else 1)


@pytest.mark.parametrize("how", CONDITIONED)
def test_attention_offers_only_what_its_weights_can_follow(how):
    torch.manual_seed(1)
    net = CONDITIONED[how](Attending(kdim=3, vdim=2, add_bias_kv=True))
    H = hessian(net, (9, 3, 4))
    offered = {i.source: i for i in attention(H.params, "look", heads=2)}
    for one in offered.values():
        require_invariant(H, one)
    pairs = {"query-key", "value-output"}
    assert pairs & set(offered) == (pairs if how == "plain" else set())


@pytest.mark.parametrize("normalise", ["weight_norm", "spectral_norm"])
def test_normalised_attention_keeps_the_shifts_of_its_biases(normalise):
    torch.manual_seed(1)
    net = Attending(batch_first=True)
    wrap = getattr(parametrizations, normalise)
    wrap(net.look, "in_proj_weight")
    wrap(net.head)
    assert found(hessian(net, (9, 3, 4)), net) == {"key bias": 4, "softmax shift": 1}


@pytest.mark.parametrize(
    ("names", "sources"),
    [
        ("bias", {"key bias": 4, "softmax shift": 1}),
        ("look.in_proj_bias", {"key bias": 4}),
        ("head", {"softmax shift": 5}),
        ("weight", {"softmax shift": 4}),
        ("look.out_proj", {}),
    ],
)
def test_some_of_the_parameters_have_their_own_null_directions(names, sources):
    torch.manual_seed(1)
    net = Attending(batch_first=True)
    H = hessian(net, (9, 3, 4), names=lambda name: names in name)
    assert found(H, net) == sources


def layer_normed():
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 2))


def group_normed():
    conv = nn.Conv2d(2, 4, 2, groups=2)
    return nn.Sequential(
        conv, nn.GroupNorm(2, 4), nn.Tanh(), nn.Flatten(), nn.Linear(16, 3)
    )


def instance_normed():
    conv = nn.Conv2d(2, 4, 2)
    return nn.Sequential(
        conv, nn.InstanceNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(16, 3)
    )


class Last(nn.Module):
    """A recurrent layer, and a classifier of the last state."""

    def __init__(self, kind):
        super().__init__()
        self.layer = kind(3, 4, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


NORMED = {  # make, shape of the inputs, what is null plain, and what conditioned
    "layer norm": (
        layer_normed,
        (40, 3),
        {"softmax shift": 5, "layer norm shift": 4},
        {"softmax shift": 1, "layer norm shift": 1},
    ),
    "group norm": (
        group_normed,
        (40, 2, 3, 3),
        {"softmax shift": 17, "bias before mean": 2},
        {"softmax shift": 1, "bias before mean": 2},
    ),
    "instance norm": (
        instance_normed,
        (40, 2, 3, 3),
        {"softmax shift": 17, "bias before mean": 4},
        {"softmax shift": 1, "bias before mean": 4},
    ),
    **{
        kind.__name__: (
            lambda kind=kind: Last(kind),
            (40, 3, 3),
            {"softmax shift": 5, "one bias against another": rows},
            {"softmax shift": 1, "one bias against another": rows},
        )
        for kind, rows in ((nn.RNN, 4), (nn.GRU, 8), (nn.LSTM, 16))
    },
}


@pytest.mark.parametrize("how", ["plain", "row"])
@pytest.mark.parametrize("kind", NORMED)
def test_what_norms_and_twin_biases_do_not_see_is_found(kind, how):
    make, shape, *sources = NORMED[kind]
    torch.manual_seed(1)
    net = CONDITIONED[how](make())
    assert found(hessian(net, shape), net) == sources[how == "row"]


def test_units_that_never_fire_and_tokens_that_never_come_have_no_effect():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2, bias=False))
    with torch.no_grad():
        net[0].bias[1] = -100.0
    sources = found(hessian(net, (40, 3)), net)
    # four numbers in, one of the two out: the other one is a softmax shift
    assert sources == {"softmax shift": 4, "no effect": 5}
    tokens = nn.Sequential(nn.Embedding(7, 3), nn.Flatten(), nn.Linear(6, 2)).double()
    x, y = torch.tensor([[0, 2], [2, 5], [5, 0]]), torch.tensor([0, 1, 1])
    loss = make_loss(tokens, nn.CrossEntropyLoss())
    H = HessianOperator(loss, dict(tokens.named_parameters()), [(x, y)])
    assert found(H, tokens)["no effect"] == 4 * 3


def test_rotated_keys_see_their_bias():
    class Rotated(nn.Module):
        def __init__(self):
            super().__init__()
            self.q_proj, self.k_proj = nn.Linear(4, 4), nn.Linear(4, 4)
            self.head = nn.Linear(4, 2)

        def forward(self, x):
            q, k = self.q_proj(x), self.k_proj(x)
            turn = torch.arange(x.shape[1], dtype=x.dtype)[:, None]
            k = k * turn.cos() + k.roll(1, -1) * turn.sin()
            return self.head(F.scaled_dot_product_attention(q, k, x).mean(1))

    torch.manual_seed(1)
    net = Rotated()
    assert "key bias" not in found(hessian(net, (9, 3, 4)), net)


def test_in_single_precision_no_more_is_claimed_than_in_double():
    """One layer's large eigenvalue makes the others' curvature look like rounding."""
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 3)
    )
    with torch.no_grad():
        net[0].weight.mul_(1e-3)
        net[2].weight.mul_(1e-3)
        net[4].weight.mul_(30)
    claimed = []
    for dtype in (torch.float64, torch.float32):
        H = hessian(net, (40, 4), dtype=dtype)
        shifts = find_invariances(H, net)
        claimed.append({one.source: one.size for one in shifts})
    assert claimed[0] == claimed[1] == {"softmax shift": 6}


@pytest.mark.parametrize("how", ["row", "column", "frozen", "weight_norm"])
def test_names_before_parametrisation_are_understood(how):
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    if how == "weight_norm":
        for layer in (net[0], net[2]):
            parametrizations.weight_norm(layer)
    else:
        CONDITIONED[how](net)
    H = hessian(net, (9, 3))
    if how == "frozen":
        require_invariant(H, relu_rescaling(H.params, "0.weight", "0.bias", "2.weight"))
    else:
        require_invariant(H, row_scale(H.params, "0.weight", columns=how == "column"))
    require_invariant(H, output_shift(H.params, None, "2.bias"))
    with pytest.raises(ValueError, match="not invariant"):
        require_invariant(
            H, output_shift(H.params, "0.weight", "0.bias"), Surroundings.of(H)
        )
