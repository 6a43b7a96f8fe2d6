#!/usr/bin/env bash
# HessianOperator(..., microbatch_size=k) of hessian-eigenthings 1.0 (alpha 5) splits a
# batch to save memory and averages the chunks as if they were equal. Where k does not
# divide the batch, the last chunk is smaller and counts as much as the others: three
# samples in chunks of two give the last one half the weight instead of a third, and the
# Hessian of a plain least squares problem is off by a third. A guard refuses batch norm,
# which chunks would change, so one would have guessed that what passes the guard has the
# Hessian of the whole batch.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    hessian-eigenthings==1.0.0a5 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import torch
from hessian_eigenthings import HessianOperator
from hessian_eigenthings.loss_fns import supervised_loss
from torch import nn

print("hessian-eigenthings", version("hessian-eigenthings"), "torch", torch.__version__)
x = torch.tensor([[1.0], [2.0], [3.0]])
y = torch.zeros(3, 1)
model = nn.Linear(1, 1, bias=False)
true = 2 * float((x**2).mean())
found = {}
for size in (None, 3, 1, 2):
    H = HessianOperator(
        model, [(x, y)], supervised_loss(nn.MSELoss()), microbatch_size=size
    )
    found[size] = float(H @ torch.ones(1))
    print(f"microbatch_size={size}: {found[size]:.6f}, true {true:.6f}")
right = all(abs(found[size] - true) < 1e-5 for size in (None, 3, 1))
sys.exit(0 if right and abs(found[2] / true - 1) > 0.1 else 1)
PYTHON
