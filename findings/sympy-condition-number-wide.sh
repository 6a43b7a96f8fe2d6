#!/usr/bin/env bash
# SymPy's Matrix.condition_number, "the maximum singular value divided by the minimum
# singular value", is zoo, complex infinity, for every matrix with more columns than rows,
# also for one with orthonormal rows; of its transpose it is 1. singular_values pads those
# of a wide matrix with zeros, and not those of a tall one, so that a matrix of m x n has n
# of them rather than min(m, n), and the quotient divides by a zero that is no singular
# value in the usual sense. One would have guessed that a matrix and its transpose have one
# condition number, as everywhere else, or that a symbolic system is the one to trust.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    sympy==1.14.0 mpmath==1.3.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import sympy
from sympy import Matrix, zoo

print("sympy", sympy.__version__, "numpy", np.__version__)
wide, tall = [], []
for A in (
    Matrix([[1, 0, 0], [0, 1, 0]]),
    Matrix([[1, 1, 0], [1, -1, 0]]),
    Matrix([[1, 2, 3], [3, 2, 1]]),
    Matrix([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]),
):
    kappa = float(np.linalg.cond(np.array(A.tolist(), float)))
    wide.append(A.condition_number())
    tall.append(abs(float(A.T.condition_number()) - kappa))
    print(f"{A.tolist()}: condition number {wide[-1]}, singular values "
          f"{A.singular_values()}")
    print(f"  of the transpose {A.T.condition_number()}, singular values "
          f"{A.T.singular_values()}; NumPy: {kappa:.6f} for both")
sys.exit(0 if all(k == zoo for k in wide) and max(tall) < 1e-9 else 1)
PYTHON
