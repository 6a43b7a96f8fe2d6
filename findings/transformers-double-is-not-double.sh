#!/usr/bin/env bash
# A language model of transformers that is cast to float64 still computes in float32.
#
# Guess: after `net.double()` every parameter and every activation is float64, so that
# the loss is good to 1e-15 and differences of it tell derivatives to 1e-10.
#
# Seen with transformers 5.23.0 and torch 2.13.0 (CPU): Llama, Qwen2 and Mamba cast to
# torch.float32 inside their RMS norms, whatever the dtype of the module, and cast back.
# The outputs are float64 tensors with seven digits in them. BERT and GPT-2, built the
# same way, have fifteen. Nothing warns; condition numbers, finite differences and
# line searches on such a "double" network are those of a single one.
#
# Seen: the loss is multiplied by 1 + 1e-12 in one weight; by how much it follows a
# straight line through a change a thousand times as large:
#   BERT   relative granularity below 1e-13
#   Llama  relative granularity above 1e-9
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 transformers==5.23.0 numpy==2.4.6 2>/dev/null
cat >"$work/try.py" <<'PY'
import sys, warnings
warnings.simplefilter("ignore")
import torch, transformers
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, BertConfig, LlamaConfig

SMALL = dict(vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
             intermediate_size=48, max_position_embeddings=32, pad_token_id=0)
ids = torch.arange(2, 20).reshape(2, 9)

def granularity(net):
    """Return the rounding seen in the loss: its scatter about a parabola in one step."""
    net = net.double().eval()
    direction = [torch.randn_like(p) for p in net.parameters()]
    steps = torch.linspace(-1e-6, 1e-6, 41, dtype=torch.float64)
    values = []
    with torch.no_grad():
        start = [p.clone() for p in net.parameters()]
        for t in steps:
            for p, p0, d in zip(net.parameters(), start, direction):
                p.copy_(p0 + t * d)
            out = net(input_ids=ids).logits
            assert out.dtype == torch.float64
            values.append(out.square().mean())
    y = torch.stack(values)
    s = steps / steps.abs().max()
    basis = torch.stack([s**0, s, s**2], 1)
    fit = basis @ torch.linalg.lstsq(basis, y[:, None]).solution
    return float((y[:, None] - fit).abs().max() / y.abs().max())

torch.manual_seed(0)
bert = granularity(AutoModelForMaskedLM.from_config(BertConfig(**SMALL)))
llama = granularity(AutoModelForCausalLM.from_config(LlamaConfig(**SMALL, num_key_value_heads=2, head_dim=8)))
print(f"transformers {transformers.__version__}, torch {torch.__version__}")
print(f"BERT  in float64: loss good to {bert:.0e}")
print(f"Llama in float64: loss good to {llama:.0e}")
sys.exit(not (bert < 1e-13 and llama > 1e-9))
PY
"$work/venv/bin/python" "$work/try.py"
