#!/usr/bin/env bash
# PyAMG's condest estimates the condition number of a 20 by 20 Poisson matrix as 178, which
# is exact. For the same matrix in small units it says 1: times 1e-6 by Arnoldi on A^H A,
# the default, in float32 times 1e-3, and times 1e-10 by Lanczos on A as well. A
# Krylov space counts as invariant once its next vector, in the matrix's units or their
# square, is below 2.2e-10 (1.2e-4 in float32), and then the one Ritz value of the first
# step is both the largest and the smallest. cond, beside it in the module, says 178 in
# all units. One would have guessed that a condition number has no units, and that an
# estimator of it has none either.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    pyamg==5.4.1 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import pyamg
import scipy
from pyamg.util.linalg import cond, condest

print("pyamg", pyamg.__version__, "numpy", np.__version__, "scipy", scipy.__version__)
poisson = pyamg.gallery.poisson((20,), format="csr")
np.random.seed(0)
found = {}
for dtype in (np.float64, np.float32):
    for unit in (1.0, 1e-3, 1e-6, 1e-10):
        A = (poisson * unit).astype(dtype)
        found[dtype, unit] = arnoldi, lanczos, exact = (
            float(condest(A)), float(condest(A, symmetric=True)), float(cond(A)))
        print(f"{np.dtype(dtype).name} in units of {unit:5.0e}: condest {arnoldi:.6g}, "
              f"symmetric {lanczos:.6g}, cond {exact:.6g}")
double, single = np.float64, np.float32
right = all(np.isclose(f[2], 178.064, rtol=1e-3) for f in found.values())
right = right and np.allclose(found[double, 1.0], 178.064, rtol=1e-3)
one = [found[double, 1e-6][0], *found[double, 1e-10][:2], found[single, 1e-3][0]]
sys.exit(0 if right and np.allclose(one, 1) else 1)
PYTHON
