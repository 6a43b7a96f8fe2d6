#!/usr/bin/env bash
# SciPy's lsq_linear solves a problem with x >= 0 to nine digits for b. It is 4 % off for
# b / 1e5, 59 % for b / 1e6, and 48 times too large for b / 1e8, where the residual is 62
# times that of x = 0. Each time it ends with success: "The first-order optimality measure
# is less than `tol`", a measure in the units of b. The start is at least 0.1 inside
# each bound, in whatever units x is, so that for small b it is far off, and the
# way from it to the solution ends where the slope is small. method="bvls", with the
# same tol for the same measure, is exact in all units, and so is nnls. One would have
# guessed that halving b halves the solution.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import numpy as np
import scipy
from scipy.optimize import lsq_linear, nnls

print("numpy", np.__version__, "scipy", scipy.__version__)
rng = np.random.default_rng(0)
A = np.abs(rng.standard_normal((30, 5)))
b = A @ [1, -0.5, 2, 0.2, 3] + 0.1 * rng.standard_normal(30)
exact = nnls(A, b)[0]
off, worse = {}, {}
for unit in (1.0, 1e-4, 1e-5, 1e-6, 1e-8):
    for method in ("trf", "bvls"):
        found = lsq_linear(A, b * unit, (0, np.inf), method=method)
        assert found.success
        x = found.x / unit
        off[method, unit] = float(np.linalg.norm(x - exact) / np.linalg.norm(exact))
        worse[method, unit] = float(np.linalg.norm(A @ x - b) / np.linalg.norm(b))
        print(f"b in units of {unit:5.0e}, {method:4}: x off by {off[method, unit]:.1e} of "
              f"its norm, residual {worse[method, unit]:.3g} of b; {found.message}")
    assert np.allclose(nnls(A, b * unit)[0], exact * unit, rtol=1e-9, atol=0)
right = off["trf", 1.0] < 1e-6 and all(off["bvls", u] < 1e-9 for _, u in off)
wrong = off["trf", 1e-5] > 0.02 and off["trf", 1e-8] > 10 and worse["trf", 1e-8] > 10
sys.exit(0 if right and wrong else 1)
PYTHON
