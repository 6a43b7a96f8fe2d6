#!/usr/bin/env bash
# A causal language model of transformers that is converted to float64 by .double()
# computes its own loss, the `loss` of its outputs when it is given labels, in float32:
# the loss function casts the logits with .float(), which is meant to raise float16 and
# here lowers float64. Outputs and gradients are float64 tensors, yet right to 7 digits
# only; differences of the loss, gradient checks and anything that is checked to float64
# rounding fail for no visible reason. A masked language model has a float64 loss. One
# would have guessed that the loss of a float64 model is float64.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" "transformers==5.23.0"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
import torch.nn.functional as F
import transformers

print("torch", torch.__version__, "transformers", transformers.__version__)
torch.manual_seed(0)
config = transformers.GPT2Config(
    vocab_size=20, n_embd=8, n_layer=1, n_head=2, n_positions=8, bos_token_id=1, eos_token_id=1
)
causal = transformers.GPT2LMHeadModel(config).double().eval()
config = transformers.BertConfig(
    vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
)
masked = transformers.BertForMaskedLM(config).double().eval()
ids = torch.randint(1, 20, (4, 6))
out = causal(input_ids=ids, labels=ids)
right = F.cross_entropy(out.logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
other = masked(input_ids=ids, labels=ids)
off = abs(out.loss.item() / right.item() - 1)
print("causal: logits", out.logits.dtype, "loss", out.loss.dtype, f"off by {off:.0e}")
print("masked: logits", other.logits.dtype, "loss", other.loss.dtype)
same = (out.logits.dtype, out.loss.dtype, other.loss.dtype) == (
    torch.float64,
    torch.float32,
    torch.float64,
)
sys.exit(not same)
PYTHON
