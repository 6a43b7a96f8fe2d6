#!/usr/bin/env bash
# PRIMME's Python module has two ways of saying that an iteration ended before it had
# converged. eigsh raises PrimmeError ("maximum iterations or matvecs reached"); svds, with
# the same limit on the same matrix, raises and warns of nothing and returns the triplets
# that it has: arrays of shape (0,), or two singular values of the four that were asked for.
# Its statistics have no flag either, and where it is stopped at once they give residual
# norms of exactly 0. Code that takes s[0] for the smallest singular value fails far from
# its cause, and code that takes s.min() of a part has another one than it asked for. One
# would have guessed that svds raises as eigsh does, or as SciPy's svds.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    primme==3.2.3 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
import primme
import scipy
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackNoConvergence, svds

warnings.simplefilter("error")
print("primme", version("primme"), "scipy", scipy.__version__)
A = sp.random(400, 300, density=0.05, random_state=np.random.default_rng(0))
A = (A + sp.eye(400, 300)).tocsr()
asked = 4
true = np.linalg.svd(A.toarray(), compute_uv=False)[::-1][:asked]
print("the smallest:", true.round(6))

raised = 0
try:
    primme.eigsh((A.T @ A).tocsr(), k=asked, which="SA", maxMatvecs=20)
except primme.PrimmeError as error:
    raised += 1
    print("eigsh raises:", error)
try:
    svds(A, k=asked, which="SM", solver="arpack", maxiter=1)
except ArpackNoConvergence as error:
    raised += 1
    print("scipy's svds raises:", str(error)[:50])

got = {}
for limit in (20, 1000, 4000):
    _, s, _, stats = primme.svds(
        A, k=asked, which="SM", tol=1e-10, maxMatvecs=limit, return_stats=True
    )
    got[limit] = len(s)
    print(f"svds, at most {limit:4} products: {len(s)} of {asked} values", s.round(6))
_, s, _, stats = primme.svds(A, k=asked, which="SM", maxiter=1, return_stats=True)
print("svds, one iteration:", s.shape, "residual norms", stats["rnorms"])
zeros = s.shape == (0,) and not np.any(stats["rnorms"])
part = any(0 < n < asked for n in got.values())
sys.exit(0 if raised == 2 and got[20] == 0 and part and zeros else 1)
PYTHON
