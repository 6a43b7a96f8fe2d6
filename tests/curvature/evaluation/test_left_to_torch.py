"""Cross-entropies of many classes that have no formula are left to torch."""

import pytest
import torch
from torch.nn.functional import cross_entropy, linear
from torch.utils.checkpoint import checkpoint

from condlab.curvature.evaluation._twice import differentiable
from tests.curvature.evaluation import test_many_classes as many
from tests.curvature.evaluation.test_many_classes import (
    CLASSES,
    HIDDEN,
    TOKENS,
    assert_as_by_torch,
    network,
    of,
    tokens,
)

calls = many.calls


def by_mapped_targets(z, y):
    both = torch.stack([y, y.flip(0)])
    return torch.func.vmap(lambda y: cross_entropy(z, y))(both).square().sum()


def by_transformed_factor(z, y):
    return torch.func.grad(lambda t: t.square() * cross_entropy(z, y))(z.mean())


@pytest.mark.parametrize("criterion", [by_mapped_targets, by_transformed_factor])
def test_transformed_losses_of_logits_from_outside_are_left_to_torch(calls, criterion):
    loss, params = of(network(), criterion)
    assert_as_by_torch(loss, params, tokens(), backend="retained")
    assert not calls


def test_gradients_of_several_rows_at_once_go_through_the_logits(calls):
    def loss(params, batch):
        h = (batch[0] @ params["A"]).tanh()
        z = linear(h, params["W"])
        losses = cross_entropy(z, batch[1], reduction="none")
        rows = torch.eye(TOKENS, dtype=z.dtype)
        (slopes,) = torch.autograd.grad(
            losses, h, rows, create_graph=True, is_grads_batched=True
        )
        return slopes.square().sum()

    params = {"A": torch.eye(4, HIDDEN), "W": torch.randn(CLASSES, HIDDEN)}
    params = {n: p.double() for n, p in params.items()}
    assert_as_by_torch(loss, params, tokens(), backend="retained")
    assert calls


@pytest.mark.parametrize("shape", [(), (1,), (1, CLASSES), (TOKENS, CLASSES)])
def test_biases_that_are_broadcast_are_left_to_torch(calls, shape):
    def loss(params, batch):
        return cross_entropy(linear(batch[0], params["W"], params["b"]), batch[1])

    params = {"W": torch.randn(CLASSES, 4), "b": torch.randn(shape)}
    params = {n: p.double() for n, p in params.items()}
    assert_as_by_torch(loss, params, tokens(), backend="retained")
    assert not calls


def test_an_empty_batch_has_the_derivatives_of_zero(calls):
    def loss(params, batch):
        z = linear(batch[0][:0], params["W"])
        none = cross_entropy(z, batch[1][:0], reduction="sum")
        return none + params["W"].pow(3).sum()

    params = {"W": torch.randn(CLASSES, 4, dtype=torch.float64)}
    assert_as_by_torch(loss, params, tokens(), backend="retained")
    assert not calls


@pytest.mark.parametrize("shape", [(CLASSES + 3,), (CLASSES, 1)])
def test_class_weights_of_a_wrong_shape_are_refused_as_by_torch(shape):
    weight = torch.ones(shape, dtype=torch.float64)
    x, y = tokens()
    net = network()
    with differentiable(), pytest.raises(RuntimeError, match="weight tensor"):
        cross_entropy(net(x), y, weight)


def test_logits_that_were_detached_in_place_have_no_derivatives():
    x, y = tokens()
    with differentiable():
        z = network()(x)
        assert not cross_entropy(z.detach_(), y).requires_grad


def test_an_infinite_logit_of_the_own_class_gives_no_number_as_by_torch(calls):
    W = torch.ones(CLASSES, HIDDEN, requires_grad=True)
    b = torch.zeros(CLASSES).index_fill(0, torch.tensor(3), torch.inf)
    with differentiable():
        z = linear(torch.ones(1, HIDDEN), W, b)
        assert cross_entropy(z, torch.tensor([3])).isnan()
    assert calls


def test_logits_viewed_with_other_classes_are_left_to_torch(calls):
    def loss(params, batch):
        z = linear(batch[0][:4], params["W"]).view(-1, 4)
        return cross_entropy(z, batch[1][0].expand(len(z)) % 4)

    params = {"W": torch.randn(CLASSES, 4, dtype=torch.float64)}
    assert_as_by_torch(loss, params, tokens(), backend="retained")
    assert not calls


def test_checkpointed_losses_are_left_to_torch(calls):
    def loss(params, batch):
        def of_logits(h, W):
            return cross_entropy(linear(h, W), batch[1])

        return checkpoint(of_logits, *params.values(), use_reentrant=False)

    params = {"h": torch.randn(TOKENS, 4), "W": torch.randn(CLASSES, 4)}
    params = {n: p.double() for n, p in params.items()}
    assert_as_by_torch(loss, params, tokens(), backend="retained")
    assert not calls
