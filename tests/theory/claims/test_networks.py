"""Claims about networks: the expected verdicts, and the torch layers they speak of."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch.nn import functional as F

from condlab import nn
from condlab.theory import balls, strategies, verify
from condlab.theory.catalogue import claims_of
from condlab.theory.claims.networks import (
    conv,
    modulation,
    normalization_families,
    normalization_layers,
    scale,
    spectral,
)
from condlab.theory.strategies import st
from condlab.theory.vocabulary import layers
from condlab.theory.vocabulary.series import coefficients, gradient
from studies.models import resnet
from tests.theory.outcomes import first_to_fall, outcomes

FILES = (
    normalization_layers,
    normalization_families,
    conv,
    modulation,
    scale,
    spectral,
)

THEOREMS = {entry.key: entry for file in FILES for entry in claims_of(vars(file))}

FALSE = {key: each.false_from for key, each in THEOREMS.items() if each.false_from}


@pytest.mark.parametrize("key", sorted(THEOREMS))
def test_every_claim_has_the_expected_verdict(key):
    last, examples = FALSE.get(key, 4), 200 if key in FALSE else 25
    sizes = range(1, last + 1)
    verdicts = verify(THEOREMS[key], sizes=sizes, max_examples=examples, seed=3)
    if key in FALSE:
        assert first_to_fall(verdicts) == last
        assert "in 128-bit ball arithmetic" in verdicts[-1].certificate
    else:
        assert set(outcomes(verdicts)) == {"holds"}


def floats(B):
    return np.vectorize(float, otypes=[float])(B)


def arrays(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# The formulas are those of torch's layers and of condlab's.

PEERS = {
    "batch": (layers.batch_norm, lambda x: F.batch_norm(x, None, None, training=True)),
    "layer": (layers.example_norm, lambda x: F.layer_norm(x, x.shape[1:])),
    "group": (lambda x: layers.group_norm(x, 2), lambda x: F.group_norm(x, 2)),
    "instance": (lambda x: layers.group_norm(x, 4), F.instance_norm),
    "rms": (
        lambda x: layers.example_norm(x, centred=False),
        lambda x: F.rms_norm(x, x.shape[1:], eps=1e-5),
    ),
}


@pytest.mark.parametrize("name", PEERS)
def test_the_formulas_are_torchs_layers(name):
    formula, layer = PEERS[name]
    x = arrays(3, 4, 5)
    expected = layer(torch.tensor(x)).numpy()
    np.testing.assert_allclose(floats(formula(balls.ball(x))), expected, atol=1e-13)


def test_the_formula_of_associate_norm_is_the_layer():
    x = arrays(3, 4, 5) + 1
    layer = nn.AssocNorm(4, groups=2, keys="instance").double()
    for p in layer.parameters():
        torch.nn.init.normal_(p)
    matrices = [layer.encoder, layer.scale_decoder, layer.shift_decoder]
    B = torch.stack([layer.weight, layer.bias])
    parts = [balls.ball(p.detach().numpy()) for p in [*matrices, B]]
    found = floats(layers.associate(balls.ball(x), *parts, 2))
    np.testing.assert_allclose(
        found, layer(torch.tensor(x)).detach().numpy(), atol=1e-12
    )


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
@pytest.mark.parametrize("stem", ["imagenet", "cifar"])
@pytest.mark.parametrize("keys", ["group", "instance"])
def test_the_counted_parameters_are_the_models(depth, stem, keys):
    classes = 1000 if stem == "imagenet" else 10
    with torch.device("meta"):
        net = getattr(resnet, f"resnet{depth}")(
            classes, stem=stem, norm=lambda c: nn.AssocNorm(c, keys=keys)
        )
    added, other = layers.resnet_share(depth, keys, stem)
    assert added + other == sum(p.numel() for p in net.parameters())
    assert nn.added_share(net) == added / other


def test_adaptive_layers_are_the_formulas():
    x = arrays(1, 6)
    y, gate = nn.AdaptiveLayerNorm(6, 2, eps=1e-5).double()(
        torch.tensor(x)[None], torch.ones(1, 2, dtype=torch.float64)
    )
    expected = floats(layers.standardise(balls.ball(x)))
    np.testing.assert_allclose(y.detach().numpy()[0], expected, atol=1e-13)
    assert not gate.detach().any()


# Derivatives of formulas.


def test_gradients_by_power_series_are_torchs():
    w, X, p = arrays(3), arrays(3, 4, seed=1), arrays(4, seed=2)
    loss = scale._batch(0.0)
    found = gradient(lambda v: loss(v, balls.ball(X), balls.ball(p)), balls.ball(w))
    W = torch.tensor(w, requires_grad=True)
    z = W @ torch.tensor(X)
    y = (z - z.mean()) / z.std(correction=0)
    (torch.tensor(p) * (y + y * y)).sum().backward()
    np.testing.assert_allclose(floats(found), W.grad.numpy(), rtol=1e-12, atol=1e-13)


def test_coefficients_are_those_of_taylors_series():
    w, d = balls.ball(np.array([2.0])), balls.ball(np.array([1.0]))
    found = coefficients(lambda v: v[0].exp(), w, d, order=3)
    expected = [math.exp(2) / math.factorial(k) for k in range(4)]
    np.testing.assert_allclose([float(c) for c in found], expected, rtol=1e-14)
    constant = coefficients(lambda v: balls.arb(5), w, d, order=2)
    assert [float(c) for c in constant] == [5.0, 0.0, 0.0]


# Convolutions.


def kernel(A):
    """Return the kernel of a matrix with columns (channel, tap)."""
    return A.reshape(len(A), -1, 2)


def dense(A, n):
    """Return torch's circular convolution on n points as a matrix."""
    K = torch.tensor(kernel(A))
    basis = torch.eye(K.shape[1] * n, dtype=torch.float64).reshape(-1, K.shape[1], n)
    padded = F.pad(basis, (0, 1), mode="circular")
    return F.conv1d(padded, K).flatten(1).T.numpy()


def fourier_values(A, n):
    """Return the singular values of the blocks of each frequency, descending."""
    blocks = np.fft.fft(kernel(A), n=n, axis=2).transpose(2, 0, 1)
    return np.sort(np.linalg.svd(blocks, compute_uv=False).ravel())[::-1]


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 3), (2, 4)])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_convolutions_singular_values_are_those_of_its_fourier_blocks(shape, n):
    A = arrays(shape[0], 2 * shape[1])
    exact = np.linalg.svd(dense(A, n), compute_uv=False)
    np.testing.assert_allclose(fourier_values(A, n), exact, atol=1e-13)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_two_points_have_the_two_real_blocks(size):
    A = arrays(size, 2 * size)
    found = sorted((float(v) for v in conv._values(balls.ball(A))), reverse=True)
    np.testing.assert_allclose(found, fourier_values(A, 2), atol=1e-13)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_operators_matrix_is_torchs_convolution(n):
    A = arrays(2, 6)
    np.testing.assert_allclose(
        floats(conv._operator(balls.ball(A), n)), dense(A, n), atol=0
    )


def test_equilibration_can_make_a_convolution_worse():
    A = np.array([[0.0, 1.0, 0.0, 1.0], [1.0, 2.0, 0.0, 0.0]])
    E = A / np.linalg.norm(A, axis=1)[:, None]
    before, after = (np.linalg.cond(dense(M, 2)) for M in (A, E))
    assert after > 1.009 * before
    claim = THEOREMS["wc-conv"]
    assert claim.confirm(A)
    margin = claim.check(A)
    np.testing.assert_allclose([margin.lhs, margin.rhs], [after, before], rtol=1e-12)


@settings(max_examples=20)
@given(A=strategies.matrices(2, 6), n=st.integers(2, 6))
def test_norms_of_matrix_and_operator_are_within_the_root_of_the_taps(A, n):
    matrix, operator = np.linalg.norm(A, 2), np.linalg.norm(dense(A, n), 2)
    rounding = 1 + 2**12 * 2.0**-52
    assert matrix <= rounding * operator
    assert operator <= rounding * math.sqrt(2) * matrix


def test_the_spectral_bound_is_attained_by_equal_taps():
    claim = THEOREMS["norm-spectral-conv-upper"]
    margin = claim.check(np.array([[1.0, 1.0]]))
    assert margin.ratio == pytest.approx(1, rel=1e-15)


# Hand-computed instances.


def test_the_power_iteration_stays_where_it_starts_if_it_has_to():
    W, u = np.diag([1.0, 2.0]), np.array([1.0, 0.0])
    found = spectral._estimates(balls.ball(W), balls.ball(u), steps=40)
    assert all(estimate == 1 for estimate in found)


def test_query_key_logits_attain_their_bound():
    claim = THEOREMS["norm-ngpt-qk"]
    one = np.array([0.0, 3.0])
    margin = claim.check((one, 2 * one, np.array([1.0, 2.0])))
    assert margin.lhs == pytest.approx(4 * math.sqrt(2), rel=1e-15)
    assert margin.ratio == pytest.approx(1, rel=1e-15)


def test_zero_decoders_at_the_start_give_three_halves_of_group_norm():
    x = np.array([[[0.0, 2.0]], [[0.0, 0.0]]])
    zero, B = np.zeros((2, 1)), np.array([[1.0], [0.0]])
    y = layers.associate(*map(balls.ball, (x, zero, zero.T, zero.T, B)), 1)
    standard = 1 / math.sqrt(1 + 1e-5)
    np.testing.assert_allclose(
        floats(y)[0], [[-1.5 * standard, 1.5 * standard]], rtol=1e-14
    )
