#!/usr/bin/env bash
# SciPy's lobpcg finds the smallest eigenvalues 1, 2, 3 of a diagonal matrix to eight digits or
# more. Of the same matrix times 1e-7 the first comes out 21 times too large, and times
# 1e-9 88 times, after no step at all, without the warning that it has for what did not
# converge: the default tolerance, n sqrt(eps), is for the residual in the units of the
# matrix, and a random start meets it. eigsh of the same module is right in all units. One
# would have guessed that a default tolerance is relative, as those of eigsh, cg and
# torch.lobpcg are.
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
import scipy.sparse as sp
from scipy.sparse.linalg import eigsh, lobpcg

print("numpy", np.__version__, "scipy", scipy.__version__)
n = 200
A = sp.diags_array(np.arange(1.0, n + 1)).tocsr()
start = np.random.default_rng(0).standard_normal((n, 4))
found, others = {}, {}
for unit in (1.0, 1e-3, 1e-5, 1e-7, 1e-9):
    values, _, history = lobpcg(A * unit, start, largest=False, maxiter=500,
                                retResidualNormsHistory=True)
    found[unit] = np.sort(values)[:3] / unit
    others[unit] = np.sort(eigsh(A * unit, 3, which="SA", v0=start[:, 0])[0]) / unit
    print(f"in units of {unit:g}: lobpcg {found[unit]} after {len(history) - 2} steps, "
          f"eigsh {others[unit]}")
exact = np.arange(1, 4)
right = np.allclose(found[1.0], exact, rtol=1e-8)
right = right and all(np.allclose(values, exact, rtol=1e-9) for values in others.values())
sys.exit(0 if right and found[1e-7][0] > 10 and found[1e-9][0] > 50 else 1)
PYTHON
