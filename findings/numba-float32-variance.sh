#!/usr/bin/env bash
# Inside numba.njit, np.mean, np.var and np.std of float32 arrays add one term after the
# other in float32, where NumPy's of the same names add pairwise. A million float32 numbers
# around 1e4 with standard deviation 1 have a mean of 10131 instead of 10000, and a
# variance of 17097; of 30 million ones the mean is 0.56, as their sum stays at
# 2^24 once it is there. In float64 all are right. One would have guessed that a compiled
# np.var is np.var to rounding.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    numba==0.68.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numba
import numpy as np

print("numba", numba.__version__, "numpy", np.__version__)


def statistics(x):
    return np.mean(x), np.var(x), np.std(x)


compiled = numba.njit(statistics)
x = (1e4 + np.random.default_rng(0).standard_normal(1_000_000)).astype(np.float32)
ones = np.ones(30_000_000, np.float32)
found = {}
for name, array in (("float32", x), ("float64", x.astype(float)), ("ones", ones)):
    found[name] = theirs, ours = statistics(array), compiled(array)
    for word, values in (("numpy", theirs), ("numba", ours)):
        print(f"{name:7} {word}: mean {values[0]:.6g}, variance {values[1]:.6g}, "
              f"standard deviation {values[2]:.6g}")
numpys = np.allclose(found["float32"][0], (1e4, 1, 1), rtol=0.01) and found["ones"][0][0] == 1
double = np.allclose(*found["float64"], rtol=1e-6)
mean, variance, _ = found["float32"][1]
wrong = mean > 10100 and variance > 1e4 and found["ones"][1][0] < 0.6
sys.exit(0 if numpys and double and wrong else 1)
PYTHON
