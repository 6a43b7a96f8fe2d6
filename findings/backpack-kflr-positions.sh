#!/usr/bin/env bash
# BackPACK's KFLR of a convolution's kernel is too large by the number of its output
# positions. On one constant image, without padding, the kernel sees the same input at all
# positions, the Gauss-Newton matrix is a Kronecker product, and KFLR could be exact: its
# trace is 4 times that of DiagGGNExact for 2 x 2 positions, and 100 times for 10 x 10, as
# both of its factors sum over the positions. That of the bias is exact, and so are those
# of linear layers and of a kernel with a single position. So a damping or a prior that
# suits the linear layers is as good as none for a convolution. KFAC has the same factor.
# One would have guessed that two extensions of one package have one scale.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    backpack-for-pytorch==1.7.1 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import torch
from backpack import backpack, extend
from backpack.extensions import KFLR, DiagGGNExact
from torch import nn

print("backpack-for-pytorch", version("backpack-for-pytorch"), "torch", torch.__version__)
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
found = {}
for side in (1, 2, 5, 10):
    net = extend(nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(),
                               nn.Linear(3 * side**2, 4)))
    image = torch.randn(1, 2, 1, 1).expand(1, 2, side + 2, side + 2)
    loss = extend(nn.CrossEntropyLoss())(net(image), torch.tensor([1]))
    with backpack(KFLR(), DiagGGNExact()):
        loss.backward()
    ratios = {}
    for name, p in net.named_parameters():
        trace = torch.stack([factor.trace() for factor in p.kflr]).prod()
        ratios[name] = float(trace / p.diag_ggn_exact.sum())
    found[side**2] = ratios
    print(f"{side**2:3} positions: trace of KFLR over that of the exact diagonal:",
          ", ".join(f"{name} {ratio:.6g}" for name, ratio in ratios.items()))
kernels = all(abs(r["0.weight"] / positions - 1) < 1e-9 for positions, r in found.items())
others = all(abs(ratio - 1) < 1e-9 for r in found.values()
             for name, ratio in r.items() if name != "0.weight")
sys.exit(0 if kernels and others else 1)
PYTHON
