"""Networks of others that take mappings, return outputs and compute their own loss."""

import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

from condlab.curvature import (
    HessianOperator,
    compare,
    empirical_fisher,
    gauss_newton,
    make_loss,
)

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")

CUTS = {
    "threes": [(0, 3), (3, 6), (6, 8)],
    "singles": [(i, i + 1) for i in range(8)],
    "full ones first": [(1, 2), (4, 5), (0, 1), (2, 4), (5, 8)],
}
LENGTHS = torch.tensor([2, 6, 3, 4, 6, 2, 5, 6])
MASK = (torch.arange(6) < LENGTHS[:, None]).long()
IDS = torch.randint(1, 20, (8, 6), generator=torch.Generator().manual_seed(0)) * MASK
LABELS = torch.where(MASK.bool(), IDS, -100)


def bert():
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=8,
    )
    return transformers.BertForMaskedLM(config).double().eval()


def gpt():
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=20, n_embd=8, n_layer=1, n_head=2, n_positions=8, bos_token_id=1,
        eos_token_id=1,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config).double().eval()


def cross_entropy(out, y):
    return F.cross_entropy(out.logits.transpose(1, 2), y)


def shifted(out, y):
    return F.cross_entropy(out.logits[:, :-1].flatten(0, 1), y[:, 1:].flatten())


def encoded(cut, *, labels):
    """Return batches as a tokenizer does, with labels among them or apart."""
    for a, b in cut:
        held = {"input_ids": IDS[a:b], "attention_mask": MASK[a:b]}
        if labels:
            yield transformers.BatchEncoding({**held, "labels": LABELS[a:b]})
        else:
            yield transformers.BatchEncoding(held), LABELS[a:b]


# the causal losses of transformers are evaluated in float32 whatever the model is
KINDS = {"bert": (bert, cross_entropy, 1e-10), "gpt": (gpt, shifted, 1e-5)}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_padded_text_counts_by_its_tokens(kind, cut):
    make, criterion, rtol = KINDS[kind]
    net = make()
    params, loss = dict(net.named_parameters()), make_loss(net, criterion)
    whole = list(encoded([(0, 8)], labels=False))
    H = HessianOperator(loss, params, whole, backend="retained")
    v = torch.randn(H.shape[0], generator=torch.Generator().manual_seed(1)).double()
    apart = list(encoded(CUTS[cut], labels=False))
    for make_matrix in (HessianOperator, gauss_newton, empirical_fisher):
        expected = make_matrix(loss, params, whole) @ v
        found = make_matrix(loss, params, apart) @ v
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)

    def own(p, batch):
        return functional_call(net, p, (), dict(batch)).loss

    together = list(encoded(CUTS[cut], labels=True))
    found = HessianOperator(own, params, together, backend="retained") @ v
    assert (found - H @ v).norm() <= rtol * (H @ v).norm()
    tokens = empirical_fisher(own, params, together, per="token") @ v
    expected = empirical_fisher(loss, params, whole, per="token") @ v
    assert (tokens - expected).norm() <= rtol * expected.norm()


def test_outputs_of_a_model_are_compared_with_those_of_its_conditioned_twin():
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        image_size=4,
        patch_size=2,
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=4,
        num_labels=2,
    )
    net = transformers.ViTForImageClassification(config).double().eval()
    x = torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(0)).double()
    y = torch.tensor([0, 1, 0, 1, -100, 1])
    batches = [({"pixel_values": x[i::2]}, y[i::2]) for i in (0, 1)]
    found = compare(net, lambda out, y: F.cross_entropy(out.logits, y), batches)
    assert found.plain.size == found.conditioned.size
    assert found.ratio.lower <= found.ratio.upper
