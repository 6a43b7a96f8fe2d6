#!/usr/bin/env bash
# BackPACK differentiates torch.nn.CrossEntropyLoss twice as if every label counted. With
# labels that the loss ignores (ignore_index, -100 by default, the usual mark of padding)
# the mean of torch divides by the labels that count, and BackPACK's Hessian and
# Gauss-Newton diagonals take all rows in and divide by all of them: with half the labels
# ignored entries are off by factors of 0.54 to 1.02 here, and rows that have no part in
# the loss bend it. Class weights, which it cannot do either, are refused with
# NotImplementedError. One would have guessed that ignore_index is refused in the same way.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    backpack-for-pytorch==1.7.1 torch==2.13.0 torchvision==0.28.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import torch
from backpack import backpack, extend
from backpack.extensions import DiagGGNExact, DiagHessian
from torch import nn

print("backpack", version("backpack-for-pytorch"), "torch", torch.__version__)
torch.manual_seed(0)
x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)


def diagonals(y, **settings):
    model = extend(nn.Linear(3, 2, bias=False).double())
    loss = extend(nn.CrossEntropyLoss(**settings))
    with backpack(DiagHessian(), DiagGGNExact()):
        loss(model(x), y).backward()
    plain = nn.CrossEntropyLoss(**settings)
    W = model.weight.detach()
    H = torch.autograd.functional.hessian(lambda w: plain(x.detach() @ w.T, y), W)
    true = H.reshape(6, 6).diagonal()
    return model.weight.diag_h.flatten() / true, model.weight.diag_ggn_exact.flatten() / true


for words, y in (("all count", [0, 1, 1, 0]), ("two ignored", [0, 1, -100, -100])):
    hessian, ggn = diagonals(torch.tensor(y))
    print(f"{words:12} Hessian over true:", [round(r, 3) for r in hessian.tolist()])
    print(f"{words:12} GGN over true:    ", [round(r, 3) for r in ggn.tolist()])
    off = float((hessian - 1).abs().max()), float((ggn - 1).abs().max())
    if words == "all count" and max(off) > 1e-9:
        sys.exit(1)
try:
    diagonals(torch.tensor([0, 1, 1, 0]), weight=torch.ones(2).double())
    refused = False
except NotImplementedError as error:
    print("class weights:", str(error)[:60])
    refused = True
sys.exit(0 if min(off) > 0.1 and refused else 1)
PYTHON
