#!/usr/bin/env bash
# scipy.sparse.linalg.lsmr and lsqr both return an estimate of the condition number of A
# and the two lie on either side of kappa_2. For diag(1, 2) and
# b = (3, 1), solved exactly in two steps, so that all of A has been seen, they are 2.5
# and 1.46, and kappa_2 is 2. One would have guessed that two solvers with one interface
# estimate one number, and that it is exact once the Krylov space is the whole space.
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
from scipy.sparse.linalg import lsmr, lsqr

print("numpy", np.__version__, "scipy", scipy.__version__)
A, b = np.diag([1.0, 2.0]), np.array([3.0, 1.0])
below, above = lsmr(A, b), lsqr(A, b)
print(f"kappa_2 2, lsmr {below[6]:.4f}, lsqr {above[6]:.4f}; steps {below[2]}, {above[2]}")
sys.exit(0 if below[6] < 1.5 and above[6] > 2.4 else 1)
PYTHON
