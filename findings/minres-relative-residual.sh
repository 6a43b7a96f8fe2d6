#!/usr/bin/env bash
# SciPy's minres ends with info 0, "successful exit", at relative residuals |b - Ax| / |b|
# far above rtol, of which the documentation says that the relative residual is below it:
# for rtol 1e-5 it is 0.03 at condition number 1e3, and above a half at 1e8. What it
# compares with rtol is a backward error, |b - Ax| / (|A| |x|), with an estimate of the
# Frobenius norm that grows with the steps. An ill-conditioned system has a large x, so the
# same rtol asks for least where most is needed, and no info tells. cg on
# the same matrices meets rtol as documented. One would have guessed that the Krylov
# solvers of one module, with one signature, mean one thing by rtol.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import scipy
import scipy.sparse as sp
from scipy.sparse.linalg import cg, minres

print("numpy", np.__version__, "scipy", scipy.__version__)
n, found = 100, {}
b = np.ones(n)
for kappa in (1e1, 1e2, 1e3, 1e4, 1e6, 1e8):
    A = sp.diags_array(np.geomspace(1, 1 / kappa, n)).tocsr()
    for solver in (cg, minres):
        steps = []
        x, info = solver(A, b, rtol=1e-5, maxiter=9999, callback=steps.append)
        r = float(np.linalg.norm(A @ x - b) / np.linalg.norm(b))
        found[solver.__name__, kappa] = r
        print(f"kappa {kappa:.0e} {solver.__name__:6} info {info} after {len(steps):4} "
              f"steps, relative residual {r:.1e}")
        assert info == 0
cg_meets = all(r <= 1e-5 for (name, _), r in found.items() if name == "cg")
misses = found["minres", 1e3] > 1e-3 and found["minres", 1e8] > 0.5
sys.exit(0 if cg_meets and misses else 1)
PYTHON
