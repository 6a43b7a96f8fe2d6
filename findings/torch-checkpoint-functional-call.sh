#!/usr/bin/env bash
# Activation checkpointing under torch.func.functional_call: a gradient of two networks.
#
# Guess: torch.utils.checkpoint with use_reentrant=False supports what autograd does, so
# functional_call(net, params, x) and autograd.grad by `params` give the gradient at
# `params`, or raise.
#
# Seen with torch 2.13.0 (CPU): the forward is run again in backward, when functional_call
# has put the module's own parameters back. The recomputed activations are those of the
# module's own weights, the rest of the graph is at `params`. The check of the
# recomputation compares shapes, dtypes and devices, and so passes. Only where `params`
# equal the module's own weights is the gradient right: finite differences of it, line
# searches and meta-learning steps by functional_call go wrong without a word.
#
# Seen: relative error of the gradient 0 at the module's own weights, and above 1e-2 at
# twice these.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 2>/dev/null
cat >"$work/try.py" <<'PY'
import sys
import torch
from torch import nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

class Net(nn.Module):
    def __init__(self, saving):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh())
        self.last, self.saving = nn.Linear(8, 1), saving
    def forward(self, x):
        h = checkpoint(self.first, x, use_reentrant=False) if self.saving else self.first(x)
        return self.last(h)

torch.manual_seed(0)
plain, saving = Net(False).double(), Net(True).double()
saving.load_state_dict(plain.state_dict())
x = torch.randn(16, 3, dtype=torch.float64)

def gradient(net, factor):
    params = {n: (factor * p.detach()).requires_grad_() for n, p in net.named_parameters()}
    loss = functional_call(net, params, x).square().mean()
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(params.values()))])

off = {}
for factor in (1, 2):
    right = gradient(plain, factor)
    off[factor] = float((gradient(saving, factor) - right).norm() / right.norm())
print(f"torch {torch.__version__}")
print({f"at {factor} x the module's weights": f"off by {gap:.1e}" for factor, gap in off.items()})
sys.exit(not (off[1] < 1e-12 and off[2] > 1e-2))
PY
"$work/venv/bin/python" "$work/try.py"
