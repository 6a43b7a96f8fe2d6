#!/usr/bin/env bash
# scipy.sparse.linalg.svds(A, k=1, which="SM", solver="propack") returns 0 as the smallest
# singular value of matrices that are far from singular: of diag(1, ..., 20), where it is
# 1, and of a random 200 x 100 matrix, where it is 4.1. Its maxiter is the dimension of
# the Krylov space, 10 k by default, and the values it has no room for come back as zeros
# and count as found; of diag(1, ..., 10), whose space fits, the answer is right. For
# which="LM" the same lack of room raises LinAlgError. One would have guessed that "SM"
# raises too: tol=0 is documented as machine precision.
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
import warnings

import numpy as np
import scipy
from scipy.sparse.linalg import svds

warnings.simplefilter("error")
print("numpy", np.__version__, "scipy", scipy.__version__)


def smallest(A):
    return float(svds(A, k=1, which="SM", solver="propack", rng=0)[1][0])


random = np.random.default_rng(0).standard_normal((200, 100))
found = {}
for name, A in (
    ("diag(1, ..., 10)", np.diag(np.arange(1.0, 11.0))),
    ("diag(1, ..., 20)", np.diag(np.arange(1.0, 21.0))),
    ("random 200 x 100", random),
):
    found[name] = smallest(A), np.linalg.svd(A, compute_uv=False)[-1]
    print(f"{name:17} propack {found[name][0]:.6g}, true {found[name][1]:.6g}")
try:
    svds(np.eye(30) + 0.001 * np.diag(np.arange(30.0)), k=1, solver="propack", rng=0)
    raised = False
except np.linalg.LinAlgError as error:
    print("which='LM':", error)
    raised = True
fits = abs(found["diag(1, ..., 10)"][0] - 1) < 1e-9
zeros = found["diag(1, ..., 20)"][0] == found["random 200 x 100"][0] == 0
sys.exit(0 if fits and zeros and raised else 1)
PYTHON
