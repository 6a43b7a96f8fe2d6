#!/usr/bin/env bash
# NNGeometry's Fisher matrix of a network with Conv2d(padding_mode="circular"), "reflect" or
# "replicate" is that of zero padding, in the dense representation too, which is exact for
# "zeros": off by a quarter. BackPACK's gradients per example of such a layer do not add
# up to the gradient, by half of it, and its exact Gauss-Newton diagonal is off by a third.
# Both read weight, stride and padding of the layer, and not the mode; neither says a word,
# where each raises for a layer that it does not know. One would have guessed that what
# hooks into a layer differentiates that layer, or refuses it.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    nngeometry==0.4 backpack-for-pytorch==1.7.1 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import copy
import sys
from importlib.metadata import version

import torch
from backpack import backpack, extend
from backpack.extensions import BatchGrad, DiagGGNExact
from nngeometry.metrics import FIM
from nngeometry.object.pspace import PMatDense
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

print(*(f"{p} {version(p)}" for p in ("nngeometry", "backpack-for-pytorch", "torch")))
torch.manual_seed(0)
x, y = torch.randn(8, 2, 5, 5), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])


def gauss_newton(net):
    """Return the mean of J^T (diag p - p p^T) J, by torch alone."""
    names, parameters = zip(*((n, p.detach()) for n, p in net.named_parameters()))

    def logits(*values):
        return torch.func.functional_call(net, dict(zip(names, values)), (x,))

    J = torch.cat([j.flatten(2) for j in
                   torch.autograd.functional.jacobian(logits, parameters)], dim=2)
    p = logits(*parameters).softmax(1)
    return torch.einsum("nca,ncd,ndb->ab", J, torch.diag_embed(p) - p[:, :, None]
                        * p[:, None, :], J) / len(x)


def off(theirs, exact):
    return float((theirs - exact).norm() / exact.norm())


found = {}
for mode in ("zeros", "circular", "reflect", "replicate"):
    net = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, padding_mode=mode), nn.Tanh(),
                        nn.Flatten(), nn.Linear(100, 3))
    exact, weights = gauss_newton(net), net[0].weight.numel()
    fisher = FIM(copy.deepcopy(net), DataLoader(TensorDataset(x, y), batch_size=8), PMatDense,
                 variant="classif_logits", device="cpu").to_torch()
    extend(net)
    loss = extend(nn.CrossEntropyLoss())(net(x), y)
    with backpack(BatchGrad(), DiagGGNExact()):
        loss.backward()
    kernel = net[0].weight
    found[mode] = (off(fisher, exact), off(kernel.grad_batch.sum(0), kernel.grad),
                   off(kernel.diag_ggn_exact.flatten(), exact.diagonal()[:weights]))
    print("{:9}: NNGeometry's Fisher matrix off by {:.1e}, BackPACK's sum of gradients by "
          "{:.1e}, diagonal by {:.1e}".format(mode, *found[mode]))
right = max(found.pop("zeros")) < 1e-5
sys.exit(0 if right and min(map(min, found.values())) > 0.1 else 1)
PYTHON
