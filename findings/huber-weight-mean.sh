#!/usr/bin/env bash
# torch.nn.functional.huber_loss, mse_loss and l1_loss all take weight=, a tensor of one
# weight an element, and reduction="mean". mse_loss and l1_loss then divide the weighted
# sum by the sum of the weights, as a weighted mean does; huber_loss divides it by the
# number of elements. So with delta large, where 2 * huber_loss is mse_loss without
# weights, weights of 10 for every element leave the one as it is and multiply the other
# by 10. One would have guessed that the three reduce alike: they share the argument and
# its description, "weights for each sample".
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
import torch.nn.functional as F

print("torch", torch.__version__)
x, y = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.zeros(4)
ten = torch.full((4,), 10.0)
ratios = {}
for name, loss in (
    ("mse_loss", F.mse_loss),
    ("l1_loss", F.l1_loss),
    ("huber_loss", lambda x, y, **kw: F.huber_loss(x, y, delta=100.0, **kw)),
):
    plain, weighted = float(loss(x, y)), float(loss(x, y, weight=ten))
    ratios[name] = round(weighted / plain, 6)
    print(f"{name:10}  without weights {plain:g}, with 10 for each {weighted:g}")
sys.exit(ratios != {"mse_loss": 1.0, "l1_loss": 1.0, "huber_loss": 10.0})
PYTHON
