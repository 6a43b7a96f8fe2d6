"""Networks that others made, tiny and random from their configurations.

Nothing is downloaded.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

try:
    import transformers
except ModuleNotFoundError:
    transformers = None

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
