"""Networks that others made: condition, train one step, fold; and a table of it.

Every family is built tiny and random from its configuration; nothing is downloaded.
The table is docs/conditioned-models.md, written by

    python -m tests.nn.test_huggingface > docs/conditioned-models.md
"""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import nn

from condlab.nn import condition, describe, fold, layer_table
from condlab.nn.describe import Description

try:
    import transformers
except ModuleNotFoundError:
    transformers = None

pytestmark = [
    pytest.mark.slow,
    # Others' networks warn about their own affairs.
    pytest.mark.filterwarnings("ignore"),
]

TEXT = {
    "vocab_size": 40,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 32,
    "pad_token_id": 0,
}
LLM = {**TEXT, "num_key_value_heads": 2, "head_dim": 8}
VISION = {
    "image_size": 32,
    "patch_size": 8,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
SEQ2SEQ = {
    "vocab_size": 40,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "pad_token_id": 0,
    "decoder_start_token_id": 1,
}


@dataclass(frozen=True)
class Family:
    """A configuration's class and options, the network's class, and its inputs."""

    config: str
    options: dict[str, Any]
    inputs: str
    network: str = "AutoModel"
    extra: dict[str, Any] = field(default_factory=dict)


FAMILIES = {
    "ViT": Family("ViTConfig", VISION, "images"),
    "DeiT": Family("DeiTConfig", VISION, "images"),
    "BEiT": Family("BeitConfig", VISION, "images"),
    "DINOv2": Family("Dinov2Config", VISION, "images"),
    "Swin": Family(
        "SwinConfig",
        {
            "image_size": 32,
            "patch_size": 4,
            "embed_dim": 16,
            "depths": [1, 1],
            "num_heads": [2, 2],
            "window_size": 4,
        },
        "images",
    ),
    "ConvNeXt": Family(
        "ConvNextConfig",
        {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2},
        "images",
    ),
    "ConvNeXtV2": Family(
        "ConvNextV2Config",
        {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2},
        "images",
    ),
    "ResNet": Family(
        "ResNetConfig",
        {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]},
        "images",
        "AutoModelForImageClassification",
    ),
    "RegNet": Family(
        "RegNetConfig",
        {
            "embedding_size": 8,
            "hidden_sizes": [8, 16],
            "depths": [1, 1],
            "groups_width": 4,
        },
        "images",
        "AutoModelForImageClassification",
    ),
    "MobileNetV2": Family("MobileNetV2Config", {"depth_multiplier": 0.35}, "images"),
    "SegFormer": Family(
        "SegformerConfig",
        {
            "hidden_sizes": [8, 16, 16, 32],
            "depths": [1, 1, 1, 1],
            "decoder_hidden_size": 16,
        },
        "images",
        "SegformerForSemanticSegmentation",
    ),
    "BERT": Family("BertConfig", TEXT, "tokens", "AutoModelForMaskedLM"),
    "RoBERTa": Family("RobertaConfig", TEXT, "tokens", "AutoModelForMaskedLM"),
    "ALBERT": Family("AlbertConfig", {**TEXT, "embedding_size": 16}, "tokens"),
    "ELECTRA": Family("ElectraConfig", {**TEXT, "embedding_size": 16}, "tokens"),
    "DistilBERT": Family(
        "DistilBertConfig",
        {"vocab_size": 40, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48},
        "tokens",
    ),
    "GPT-2": Family(
        "GPT2Config",
        {"vocab_size": 40, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 32},
        "tokens",
        "AutoModelForCausalLM",
    ),
    "GPT-NeoX": Family("GPTNeoXConfig", TEXT, "tokens", "AutoModelForCausalLM"),
    "OPT": Family(
        "OPTConfig",
        {**TEXT, "ffn_dim": 48, "word_embed_proj_dim": 32},
        "tokens",
        "AutoModelForCausalLM",
    ),
    "BLOOM": Family(
        "BloomConfig",
        {"vocab_size": 40, "hidden_size": 32, "n_layer": 2, "n_head": 4},
        "tokens",
        "AutoModelForCausalLM",
    ),
    "Llama": Family("LlamaConfig", LLM, "tokens", "AutoModelForCausalLM"),
    "Mistral": Family("MistralConfig", LLM, "tokens", "AutoModelForCausalLM"),
    "Mixtral": Family(
        "MixtralConfig",
        {**LLM, "num_local_experts": 4},
        "tokens",
        "AutoModelForCausalLM",
    ),
    "Qwen2": Family("Qwen2Config", LLM, "tokens", "AutoModelForCausalLM"),
    "Gemma 2": Family("Gemma2Config", LLM, "tokens", "AutoModelForCausalLM"),
    "Mamba": Family(
        "MambaConfig",
        {
            "vocab_size": 40,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "state_size": 4,
            "pad_token_id": 0,
        },
        "tokens",
        "AutoModelForCausalLM",
    ),
    "T5": Family(
        "T5Config",
        {
            "vocab_size": 40,
            "d_model": 32,
            "d_kv": 8,
            "d_ff": 48,
            "num_layers": 2,
            "num_heads": 4,
            "decoder_start_token_id": 0,
        },
        "both",
        "AutoModelForSeq2SeqLM",
    ),
    "BART": Family("BartConfig", SEQ2SEQ, "both", "AutoModelForSeq2SeqLM"),
    "Whisper": Family(
        "WhisperConfig",
        {
            **SEQ2SEQ,
            "num_mel_bins": 8,
            "max_source_positions": 16,
            "max_target_positions": 16,
        },
        "spectrum",
        "WhisperForConditionalGeneration",
    ),
    "Wav2Vec2": Family(
        "Wav2Vec2Config",
        {
            **TEXT,
            "conv_dim": (16, 16),
            "conv_stride": (4, 4),
            "conv_kernel": (8, 4),
            "num_conv_pos_embeddings": 8,
            "num_conv_pos_embedding_groups": 4,
            "mask_time_prob": 0.0,
        },
        "sound",
    ),
    "CLIP": Family(
        "CLIPConfig",
        {
            "text_config": {**TEXT, "eos_token_id": 39},
            "vision_config": VISION,
            "projection_dim": 16,
        },
        "captions",
    ),
}


def inputs(kind: str) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(2, 39, (2, 9), generator=generator)
    images = torch.randn(2, 3, 32, 32, generator=generator)
    return {
        "tokens": {"input_ids": tokens},
        "images": {"pixel_values": images},
        "both": {"input_ids": tokens, "decoder_input_ids": tokens[:, :4]},
        "captions": {"input_ids": tokens, "pixel_values": images},
        "sound": {"input_values": torch.randn(2, 400, generator=generator)},
        "spectrum": {
            "input_features": torch.randn(2, 8, 32, generator=generator),
            "decoder_input_ids": tokens[:, :4],
        },
    }[kind]


def pretrained(name: str) -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    """Return a tiny random network of a family and the way to call it."""
    family = FAMILIES[name]
    torch.manual_seed(0)
    config = getattr(transformers, family.config)(**family.options)
    make = getattr(transformers, family.network)
    auto = family.network.startswith("Auto")
    net = make.from_config(config) if auto else make(config)
    batch = inputs(family.inputs)

    def call(net: nn.Module) -> torch.Tensor:
        found = net(**batch, return_dict=True)
        return next(
            v for v in found.values() if torch.is_tensor(v) and v.is_floating_point()
        )

    return net, call


class Recurrent(nn.Module):
    """One recurrent layer whose outputs alone are returned."""

    def __init__(self, kind: type[nn.RNNBase]):
        super().__init__()
        self.layer = kind(8, 8, num_layers=2, bidirectional=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0]


class Attention(nn.Module):
    """Torch's attention with keys and values of other widths."""

    def __init__(self, **widths: int):
        super().__init__()
        self.layer = nn.MultiheadAttention(8, 2, bias=False, add_bias_kv=True, **widths)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        layer = self.layer
        return layer(x, x[..., : layer.kdim], x[..., : layer.vdim])[0]


TORCH = {
    "nn.Transformer": lambda: nn.Transformer(8, 2, 1, 1, 16),
    "nn.TransformerEncoder": lambda: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2
    ),
    "nn.TransformerDecoder": lambda: nn.TransformerDecoder(
        nn.TransformerDecoderLayer(8, 2, 16), 2
    ),
    "nn.MultiheadAttention": lambda: Attention(),
    "nn.MultiheadAttention, kdim": lambda: Attention(kdim=4, vdim=6),
    "nn.LSTM": lambda: Recurrent(nn.LSTM),
    "nn.GRU": lambda: Recurrent(nn.GRU),
    "nn.RNN": lambda: Recurrent(nn.RNN),
}


def torchs(name: str) -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    torch.manual_seed(0)
    net = TORCH[name]()
    x = torch.randn(5, 2, 8)
    pair = name in ("nn.Transformer", "nn.TransformerDecoder")
    return net, lambda net: net(x, x) if pair else net(x)


def train_and_fold(
    net: nn.Module, call: Callable[[nn.Module], torch.Tensor]
) -> Description:
    keys = set(fold(copy.deepcopy(net)).state_dict())  # some come parametrized
    condition(net)
    found = describe(net)
    before = [p.detach().clone() for p in net.parameters()]
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    net.train()
    call(net).square().mean().backward()
    optimiser.step()
    after = list(net.parameters())
    assert all(p.isfinite().all() for p in after)
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    net.eval()
    with torch.no_grad():
        expected = call(net)
        off = (call(fold(net)) - expected).abs().max().item()
    assert expected.isfinite().all()
    assert off < 1e-6 * max(1, expected.abs().max().item())
    assert set(net.state_dict()) == keys
    return found


@pytest.mark.skipif(transformers is None, reason="needs transformers")
@pytest.mark.parametrize("name", FAMILIES)
def test_family_of_transformers_trains_conditioned_and_folds(name):
    found = train_and_fold(*pretrained(name))
    assert found.conditioned


@pytest.mark.parametrize("name", TORCH)
def test_torchs_own_network_trains_conditioned_and_folds(name):
    found = train_and_fold(*torchs(name))
    assert found.conditioned


def summary(found: Description) -> tuple[str, str]:
    """Return what was conditioned by class of layer, and what was not by reason."""
    done = Counter(w.layer for w in found.conditioned)
    left: dict[str, Counter[str]] = {}
    for w in found.left_alone:
        what = w.name.rpartition(".")[2]
        left.setdefault(w.reason, Counter())[what] += 1
    reasons = [
        f"{reason}: " + ", ".join(f"{n} {what}" for what, n in which.items())
        for reason, which in sorted(left.items())
    ]
    undone = f"; {len(found.absorbed)} undone by a norm" if found.absorbed else ""
    kinds = ", ".join(f"{n} {kind}" for kind, n in done.items())
    return kinds + undone, "; ".join(reasons)


def share(
    net: nn.Module, given: nn.Module | dict[str, torch.Tensor]
) -> tuple[float, Any]:
    """Return the share of the entries of matrices that `layer_table` is of.

    Parameters
    ----------
    net : torch.nn.Module
        The network; its parameters are drawn anew.
    given : torch.nn.Module or dict
        It, or its state dict.
    """
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn_like(p))
    tensors = {
        (p.data_ptr(), tuple(p.shape)): p
        for p in net.parameters()
        if sum(n > 1 for n in p.shape) > 1
    }
    everything = sum(p.numel() for p in tensors.values())
    table = layer_table(given, scalings=False)
    return table.entries / everything, table.left_out


def table() -> str:
    rows = [
        "# What `condlab.nn.condition` does to networks that others made",
        "",
        "Each is built tiny and random from its configuration, conditioned, trained",
        "for one step and folded. Written by `python -m tests.nn.test_huggingface`",
        f"with transformers {transformers.__version__} and torch {torch.__version__}.",
        "",
        "In the last columns, of how many of the entries of matrices `condlab weights`",
        "makes a table, of the module and of its state dict.",
        "",
        "| network | conditioned | left alone | of the module | of the file |",
        "|---|---|---|---|---|",
    ]
    for build, names in ((pretrained, FAMILIES), (torchs, TORCH)):
        for name in names:
            done, left = summary(train_and_fold(*build(name)))
            net, _ = build(name)
            shares = [
                f"{100 * share(net, given)[0]:.4g} %"
                for given in (net, dict(net.named_parameters()))
            ]
            rows.append(f"| {name} | {done} | {left} | {' | '.join(shares)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
