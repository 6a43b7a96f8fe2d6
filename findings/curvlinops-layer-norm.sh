#!/usr/bin/env bash
# curvlinops' HessianLinearOperator multiplies by forward mode over reverse mode. For an
# affine torch.nn.LayerNorm with a squared error torch's forward rule takes the mean and
# the deviation for constants, so that the matrix is off by half of its largest entry,
# without a warning, and not even symmetric, though the operator says that it is
# self-adjoint. Reverse over reverse is right, to rounding. One would have guessed that
# two ways through one library's derivatives agree.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    curvlinops-for-pytorch==3.0.1 torch==2.13.0 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import torch
from curvlinops import HessianLinearOperator
from torch import nn

print("curvlinops", version("curvlinops-for-pytorch"), "torch", torch.__version__)
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4)).double()
x, y = torch.randn(2, 5, 3, dtype=torch.float64)[0], torch.randn(5, 4).double()
params = list(net.parameters())
n = sum(p.numel() for p in params)
unit = torch.eye(n, dtype=torch.float64)
H = HessianLinearOperator(net, nn.MSELoss(), params, [(x, y)])
theirs = torch.stack([H @ e for e in unit], dim=1)


def gradient():
    grads = torch.autograd.grad(nn.MSELoss()(net(x), y), params, create_graph=True)
    return torch.cat([g.flatten() for g in grads])


reverse = torch.stack(
    [
        torch.cat(
            [h.flatten() for h in torch.autograd.grad(g, params, retain_graph=True)]
        )
        for g in gradient()
    ]
)
flat = nn.utils.parameters_to_vector(params).detach()
differences = []
for e in unit:  # of the gradient, which nothing but first derivatives is in
    ends = []
    for sign in (1, -1):
        nn.utils.vector_to_parameters(flat + sign * 1e-5 * e, params)
        ends.append(gradient().detach())
    differences.append((ends[0] - ends[1]) / 2e-5)
differences = torch.stack(differences)
size = differences.abs().max()
for name, M in (("curvlinops", theirs), ("reverse over reverse", reverse)):
    off, skew = (M - differences).abs().max() / size, (M - M.T).abs().max() / size
    print(f"{name:21} off differences by {off:.1e}, unsymmetric by {skew:.1e}")
wrong = float((theirs - differences).abs().max() / size)
right = float((reverse - differences).abs().max() / size)
sys.exit(0 if wrong > 0.05 and right < 1e-6 else 1)
PYTHON
