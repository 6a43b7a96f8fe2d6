#!/usr/bin/env bash
# scipy.io.mmwrite writes a float32 matrix with the fewest digits that tell its entries
# from other float32 numbers, 1.0000001 for 1 + 2^-23. scipy.io.mmread reads every real
# file as float64, in which those digits are another number. So a matrix that is written
# and read back has changed, by up to 2^-24 relative, although its float64 value needs no
# rounding at all; for the 2 x 2 matrix below the condition number goes from 33554434 to
# 40000002. One would have guessed that the file holds the matrix, as .npy and .npz do.
# The cure: A.astype(float64) first, for complex64 complex128.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

import numpy as np
import scipy
import scipy.io

print("numpy", np.__version__, "scipy", scipy.__version__)
A = np.array([[1, 1], [1, 1 + 2**-23]], dtype=np.float32)


def through_a_file(matrix):
    stream = io.BytesIO()
    scipy.io.mmwrite(stream, matrix)
    print(stream.getvalue().decode())
    return scipy.io.mmread(io.BytesIO(stream.getvalue()))


B, C = through_a_file(A), through_a_file(A.astype(np.float64))
for name, M in (("before", A.astype(float)), ("float32 file", B), ("float64 file", C)):
    print(f"{name:12}  last entry {M[1, 1]!r:24}  kappa {np.linalg.cond(M):.0f}")
changed, kept = (B != A).any(), (C == A).all()
sys.exit(0 if changed and kept else 1)
PYTHON
