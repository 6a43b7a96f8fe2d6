#!/usr/bin/env bash
# PyHessian's trace(maxIter=100, tol=1e-3) stops once the running mean of its random
# samples moves by less than tol, relative: it divides by trace + 1e-6, not by its size.
# While the running mean is negative the quotient is negative, below any tolerance, and
# the loop ends after two samples: always for a negative definite Hessian, and for one of
# trace zero, as near a saddle, in 32 of 40 runs. One would have guessed that minus a
# matrix has minus the trace, from as many samples.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    PyHessian==0.1 torch==2.13.0 torchvision==0.28.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import torch
from pyhessian import hessian
from torch import nn

print("PyHessian", version("PyHessian"), "torch", torch.__version__)
n = 20
A = torch.ones(n, n, dtype=torch.float64) - torch.eye(n)  # trace 0, eigenvalues 19 and -1


class Form(nn.Module):
    def __init__(self, A):
        super().__init__()
        self.A, self.t = A, nn.Parameter(torch.zeros(n, dtype=torch.float64))

    def forward(self, x):
        return x * (self.t @ self.A @ self.t) / 2


def samples(A, seed):
    torch.manual_seed(seed)
    data = (torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64))
    H = hessian(Form(A), lambda out, y: (out - y).sum(), data=data, cuda=False)
    return H.trace(maxIter=100, tol=1e-3)


counts, means = [], []
for seed in range(40):
    found = samples(A, seed)
    counts.append(len(found))
    means.append(np.mean(found))
print("samples taken:", sorted(set(counts)), "two in", counts.count(2), "of 40 runs")
error = np.std(means) / 40**0.5
print(f"mean of 40 traces {np.mean(means):.2f} +- {error:.2f}, true 0")
pairs = [(len(samples(A, s)), len(samples(-A, s))) for s in range(8)]
print("samples for A and -A, by seed:", pairs)
uneven = sum(a != b for a, b in pairs) >= 4
sys.exit(0 if counts.count(2) >= 10 and uneven else 1)
PYTHON
