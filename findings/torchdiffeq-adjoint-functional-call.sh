#!/usr/bin/env bash
# torchdiffeq's adjoint solver under torch.func.functional_call: a gradient of zero.
#
# Guess: odeint_adjoint finds the parameters of the field that it is given, so that
# functional_call(net, params, z) followed by autograd.grad by `params` is the adjoint's
# gradient; at worst it raises.
#
# Seen with torchdiffeq 0.2.5 and torch 2.13.0 (CPU): the loss has no graph to the given
# parameters, and with allow_unused or materialize_grads=True the gradient is zero
# without a word, while plain odeint gives the right one. The solver collects
# `func.parameters()`, which functional_call swaps by attribute but not in that list, in a
# custom autograd.Function; the swapped tensors are not among its inputs.
#
# Seen: |gradient| is 0 by the adjoint; positive by odeint.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 torchdiffeq==0.2.5 numpy==2.4.6 scipy==1.17.1 2>/dev/null
cat >"$work/try.py" <<'PY'
import sys
import torch, torchdiffeq
from torch import nn
from torch.func import functional_call

class Flow(nn.Module):
    def __init__(self, solve):
        super().__init__()
        self.field, self.solve = Field(), solve
    def forward(self, z):
        times = torch.linspace(0, 1, 3, dtype=torch.float64)
        return self.solve(self.field, z, times, method="rk4")[-1]

class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))
    def forward(self, t, z):
        return self.net(z)

torch.manual_seed(0)
z = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
found = {}
for solve in (torchdiffeq.odeint, torchdiffeq.odeint_adjoint):
    torch.manual_seed(1)
    net = Flow(solve).double()
    leaves = {n: p.detach().clone().requires_grad_() for n, p in net.named_parameters()}
    loss = functional_call(net, leaves, z).square().mean()
    g = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    found[solve.__name__] = float(sum(t.square().sum() for t in g)) ** 0.5
print(f"torchdiffeq {torchdiffeq.__version__}, torch {torch.__version__}")
print({name: f"|gradient| = {size:.3g}" for name, size in found.items()})
sys.exit(not (found["odeint"] > 1e-3 and found["odeint_adjoint"] == 0))
PY
"$work/venv/bin/python" "$work/try.py"
