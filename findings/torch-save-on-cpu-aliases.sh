#!/usr/bin/env bash
# torch's save_on_cpu, on a CPU, does not copy what it saves, and drops the check that
# autograd has without it: a saved tensor that is written to before backward gives a wrong
# gradient, and no error. Half an optimiser's step between a forward and its backward is
# such a write. One would have guessed a copy, as of tensors on other devices, or the error
# that torch raises elsewhere ("modified by an inplace operation").
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import contextlib
import sys

import torch
from torch.autograd.graph import save_on_cpu

print("torch", torch.__version__)


def gradient(saving, write):
    """Return the gradient of |W x|^2 by x at the weights that the forward used."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 3)
    x = torch.randn(2, 3, requires_grad=True)
    with saving:
        loss = layer(x).square().sum()
    if write:
        with torch.no_grad():
            layer.weight.mul_(3)
    return torch.autograd.grad(loss, x)[0]


right = gradient(contextlib.nullcontext(), write=False)
try:
    gradient(contextlib.nullcontext(), write=True)
    sys.exit(1)
except RuntimeError as error:
    print("plain: raises", str(error)[:70])
found = gradient(save_on_cpu(), write=True)
off = float((found - right).norm() / right.norm())
print(f"save_on_cpu: a gradient that is off by {off:.2f} of its size")
sys.exit(0 if off > 0.5 else 1)
PYTHON
