#!/usr/bin/env bash
# pyamg's approximate_spectral_radius writes its result on the sparse matrix, as an
# attribute, and returns that from then on, whatever the entries have become and whatever
# tolerance is asked for. After A *= 100, which SciPy does in place, the spectral radius is
# still 8. A multigrid hierarchy built anew from that same object, for the next time step
# say, scales its Chebyshev and Richardson smoothers by it: it took 21 cycles, and now ends
# with nan, or where the matrix has shrunk, has not converged after 100; built from A.copy()
# it takes 21 again. One would have guessed that a function of a matrix is one of its
# entries, or that a new hierarchy starts anew.
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
from pyamg.util.linalg import approximate_spectral_radius as radius

print("pyamg", pyamg.__version__, "numpy", np.__version__, "scipy", scipy.__version__)
A = pyamg.gallery.poisson((50, 50), format="csr")
exact = 8 * np.cos(np.pi / 102) ** 2
first = radius(A)
A *= 100
stale, tighter, fresh = radius(A), radius(A, tol=1e-10, maxiter=80), radius(A.copy())
print(f"A: {first:.2f}, exactly {exact:.2f}; after A *= 100: {stale:.2f}, "
      f"with a tighter tolerance {tighter:.2f}, of A.copy() {fresh:.2f}")

b, cycles = np.ones(2500), {}
for factor in (100, 0.01):
    for smoother in ("chebyshev", "richardson", "gauss_seidel"):
        M = pyamg.gallery.poisson((50, 50), format="csr")
        both = {"presmoother": smoother, "postsmoother": smoother}
        for step in ("first", "scaled", "scaled copy"):
            if step == "scaled":
                M *= factor
            np.random.seed(0)
            hierarchy = pyamg.smoothed_aggregation_solver(
                M.copy() if step == "scaled copy" else M, **both
            )
            history = []
            hierarchy.solve(b, tol=1e-8, maxiter=100, residuals=history)
            done = history[-1] <= 1e-8 * history[0]
            cycles[factor, smoother, step] = len(history) - 1 if done else None
            print(f"{smoother:12} {step:11} by {factor:6}: {len(history) - 1:3} cycles, "
                  f"relative residual {history[-1] / history[0]:.1e}")
ruined = all(
    cycles[factor, smoother, "scaled"] is None
    for factor in (100, 0.01) for smoother in ("chebyshev", "richardson")
)
others = [n for (_, s, step), n in cycles.items() if s == "gauss_seidel" or step != "scaled"]
right = stale < 1.01 * exact and tighter == stale and abs(fresh / exact / 100 - 1) < 0.02
sys.exit(0 if ruined and right and all(n and n < 60 for n in others) else 1)
PYTHON
