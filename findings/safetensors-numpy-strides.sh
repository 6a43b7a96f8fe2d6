#!/usr/bin/env bash
# safetensors.numpy.save takes an array that is not C-contiguous, such as a transpose, a
# Fortran-ordered array or every other column, and writes bytes in the order of memory
# under the shape of the view: what is loaded is another matrix of the same shape, without
# a word. Its neighbour safetensors.torch.save refuses the same view with a ValueError.
# LAPACK's results are Fortran-ordered: the Q of scipy.linalg.qr comes back transposed,
# and A.T of a square A as A. One would have guessed that the view is written, as np.save
# does, or refused as for torch.
# The cure: np.ascontiguousarray first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1 safetensors==0.8.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import safetensors
import scipy.linalg
from safetensors.numpy import load, save

print("numpy", np.__version__, "safetensors", safetensors.__version__)
A = np.arange(12.0).reshape(3, 4)
Q = scipy.linalg.qr(A[:, :3] + np.eye(3))[0]
cases = {
    "C order": (A, True),
    "transpose": (A.T, False),
    "Fortran order": (np.asfortranarray(A), False),
    "every other column": (A[:, ::2], False),
    "Q of scipy.linalg.qr": (Q, False),
}
right = True
for name, (array, expected) in cases.items():
    found = load(save({"x": array}))["x"]
    same = np.array_equal(found, array)
    right &= same == expected
    print(f"{name:22} shape {found.shape}, {'the same' if same else 'other entries'}")
right &= np.array_equal(load(save({"x": Q}))["x"], Q.T)
print("Q comes back as its transpose:", bool(right))
sys.exit(0 if right else 1)
PYTHON
