#!/usr/bin/env bash
# torchmetrics' R^2 of a thousand predictions that have nothing to do with the targets, -0.9,
# is 1, a perfect fit, once both are given in units of 1e-4, tenths of millimetres in
# metres, say, and in float64 as well: a residual sum of squares below 1e-4, in the
# units of the targets squared, counts as 0, and so as perfect. R^2 of good predictions in
# float32 around 1e4 is 1.005 instead of 0.91, as the sum of squares about the mean
# cancels. scikit-learn's r2_score is right for the same arrays. One would have guessed
# that a score without units does not see them, and that what guards a division makes a
# score worse rather than perfect.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6 scikit-learn==1.9.1
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import sklearn
import torch
import torchmetrics
from sklearn.metrics import r2_score as by_sklearn
from torchmetrics.functional import r2_score

print("torchmetrics", torchmetrics.__version__, "torch", torch.__version__,
      "scikit-learn", sklearn.__version__)
torch.manual_seed(0)
target, other = torch.randn(2, 1000, dtype=torch.float64)
near = target + 0.3 * other


def scores(predicted, target):
    return float(r2_score(predicted, target)), by_sklearn(target.numpy(), predicted.numpy())


small, far = {}, {}
for unit in (1.0, 1e-2, 1e-4):
    small[unit] = scores(other * unit, target * unit)
    print("noise in units of {:g}: R^2 {:.5f}, scikit-learn {:.5f}".format(unit, *small[unit]))
for mean in (0.0, 1e4):
    far[mean] = scores((near + mean).float(), (target + mean).float())
    print("float32 around {:g}: R^2 {:.5f}, scikit-learn {:.5f}".format(mean, *far[mean]))
steady = all(abs(s - small[1.0][1]) < 1e-9 for _, s in small.values()) and small[1.0][1] < -0.5
steady = steady and abs(far[1e4][1] - far[0.0][1]) < 0.01 and far[0.0][1] > 0.8
right = abs(small[1.0][0] - small[1.0][1]) + abs(far[0.0][0] - far[0.0][1]) < 1e-3
wrong = small[1e-4][0] == 1 and abs(far[1e4][0] - far[1e4][1]) > 0.05
sys.exit(0 if steady and right and wrong else 1)
PYTHON
