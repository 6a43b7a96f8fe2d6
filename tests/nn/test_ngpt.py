"""nGPT against its authors' formulas, and its invariants after optimiser steps."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from condlab.nn import ngpt

EPS = torch.finfo(torch.float32).eps
CLOSE = {"rtol": 1e-12, "atol": 1e-12}  # sums of tens of products in float64


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def just_norm(x):
    return x / x.norm(p=2, dim=-1, keepdim=True)


def written_out(block, h, heads):
    """Return the block as the authors write it, without rotary positions."""
    B, T, C = h.shape
    attention, mlp = block.attention, block.mlp
    head = C // heads

    def split(x):
        return x.view(B, T, heads, head).transpose(1, 2)

    s_qk = (attention.scale.weight * (1.0 / (1 / C**0.5))).view(1, heads, 1, head)
    q = s_qk * just_norm(split(h @ attention.query.weight.T))
    k = s_qk * just_norm(split(h @ attention.key.weight.T))
    v = split(h @ attention.value.weight.T)
    weights = (q @ k.mT * head**0.5).softmax(-1)
    h_att = (weights @ v).transpose(1, 2).reshape(B, T, C) @ attention.out.weight.T
    step = (block.attention_step.weight * (0.05 / (1 / C**0.5))).abs()
    h = just_norm(just_norm(h) + step * (just_norm(h_att) - just_norm(h)))
    uv = mlp.scale.weight * C**0.5 * (h @ mlp.gate_and_value.weight.T)
    u, v = uv.chunk(2, dim=-1)
    h_mlp = (u * F.silu(v)) @ mlp.out.weight.T
    step = (block.mlp_step.weight * (0.05 / (1 / C**0.5))).abs()
    return just_norm(just_norm(h) + step * (just_norm(h_mlp) - just_norm(h)))


def test_a_block_is_the_authors_formula():
    block = ngpt.SphereBlock(12, 3, hidden=20).double()
    h = just_norm(torch.randn(2, 5, 12, dtype=torch.float64))
    assert_close(block(h), written_out(block, h, 3), **CLOSE)


def test_scales_start_as_published():
    block = ngpt.SphereBlock(16, 4)
    for step in (block.attention_step, block.mlp_step):
        assert_close(step(), torch.full((16,), 0.05))
        assert_close(step.weight.detach(), torch.full((16,), 0.25))  # 1 / sqrt(16)
    assert_close(block.attention.scale(), torch.ones(16))
    assert_close(block.mlp.scale(), torch.ones(2 * 4 * 16))
    head = ngpt.SphereHead(16, 10)
    assert_close(head.scale(), torch.ones(10))


class Language(nn.Module):
    def __init__(self, dim=16, vocabulary=11):
        super().__init__()
        self.embedding = ngpt.SphereEmbedding(vocabulary, dim)
        self.blocks = nn.Sequential(
            *(ngpt.SphereBlock(dim, 4, causal=True) for _ in "ab")
        )
        self.head = ngpt.SphereHead(dim, vocabulary)

    def forward(self, tokens):
        return self.head(self.blocks(self.embedding(tokens)))


def trained(steps=5):
    net = Language()
    optimiser = torch.optim.Adam(net.parameters(), lr=0.1)
    handle = ngpt.renormalise_after(optimiser, net)
    tokens = torch.randint(11, (4, 9))
    for _ in range(steps):
        optimiser.zero_grad()
        logits = net(tokens[:, :-1])
        F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).backward()
        optimiser.step()
    return net, optimiser, handle, tokens


def test_every_matrix_has_unit_vectors_along_the_embedding_axis_after_each_step():
    net, *_ = trained()
    seen = 0
    for layer in net.modules():
        if isinstance(layer, ngpt.SphereLinear | ngpt.SphereEmbedding):
            axis = getattr(layer, "axis", 1)
            lengths = layer.weight.detach().double().norm(dim=axis)
            assert float((lengths - 1).abs().max()) <= 4 * EPS
            seen += 1
    assert seen == 2 * 6 + 2


def test_the_named_matrices_are_normalised_along_the_published_axes():
    block = ngpt.SphereBlock(16, 4)
    rows = [block.attention.query, block.attention.key, block.attention.value]
    assert {layer.axis for layer in [*rows, block.mlp.gate_and_value]} == {1}
    assert {layer.axis for layer in [block.attention.out, block.mlp.out]} == {0}


def test_without_the_hook_a_step_leaves_the_sphere():
    net, optimiser, handle, tokens = trained()
    handle.remove()
    net(tokens).sum().backward()
    optimiser.step()
    lengths = net.head.linear.weight.detach().norm(dim=1)
    assert float((lengths - 1).abs().max()) > 1e-3
    ngpt.renormalise_(net)
    assert_close(net.head.linear.weight.norm(dim=1), torch.ones(11))


def test_hidden_vectors_queries_and_keys_have_unit_length():
    net, _, _, tokens = trained()
    h = net.embedding(tokens)
    for block in net.blocks:
        assert_close(h.norm(dim=-1), torch.ones(h.shape[:-1]))
        q, k = block.attention.queries_and_keys(h)
        scale = block.attention.scale().unflatten(0, (4, 1, -1))
        for vectors in (q, k):
            assert_close((vectors / scale).norm(dim=-1), torch.ones(q.shape[:-1]))
        h = block(h)


def test_query_key_logits_are_bounded_by_the_root_of_the_head_width_at_the_start():
    attention = ngpt.SphereAttention(32, 2)
    q, k = attention.queries_and_keys(100 * torch.randn(2, 50, 32))
    logits = math.sqrt(16) * q @ k.mT
    assert float(logits.detach().abs().max()) <= math.sqrt(16) * (1 + 8 * EPS)


def test_causal_attention_does_not_look_ahead():
    net, _, _, tokens = trained()
    changed = tokens.clone()
    changed[:, -1] = (changed[:, -1] + 1) % 11
    assert_close(net(changed)[:, :-1], net(tokens)[:, :-1])
    moved = (net(changed) - net(tokens))[:, -1].detach()
    assert float(moved.abs().max()) > 1e-3


def test_training_lowers_the_loss():
    net, _, _, tokens = trained(steps=60)
    loss = F.cross_entropy(net(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
    assert float(loss.detach()) < math.log(11) / 2


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="heads must divide the width 10, got 3"):
        ngpt.SphereAttention(10, 3)
