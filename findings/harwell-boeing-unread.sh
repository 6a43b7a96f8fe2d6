#!/usr/bin/env bash
# scipy.io.hb_write writes a matrix whose numbers take a three-digit exponent, such as
# 1e-120, to a Harwell-Boeing file that scipy.io.hb_read refuses: the fields of the line
# are read to their ends at the wrong places. The same for every float32 matrix, whatever
# its numbers. float64 matrices without such exponents come back to the bit, in int64
# ones too. One would have guessed that a library reads what it writes, at least for
# plain numbers of the types that it accepts to write.
# The cure: scale the matrix by a power of two first and write float64, or use mmwrite.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import scipy
import scipy.io
import scipy.sparse as sp

print("numpy", np.__version__, "scipy", scipy.__version__)
A = sp.csc_matrix(np.array([[4.0, -1.5], [0.0, 2.25]]))


def comes_back(matrix):
    scipy.io.hb_write("matrix.hb", matrix)
    try:
        found = scipy.io.hb_read("matrix.hb")
    except ValueError as error:
        return f"ValueError: {error}"
    return "the same" if (found != matrix).nnz == 0 else "another matrix"


cases = {
    "float64": (A, True),
    "int64": (A.astype(np.int64), True),
    "float64 times 1e-120": (A * 1e-120, False),
    "float64 times 1e120": (A * 1e120, False),
    "float32": (A.astype(np.float32), False),
}
right = True
for name, (matrix, expected) in cases.items():
    said = comes_back(matrix)
    right &= (said == "the same") == expected
    print(f"{name:22} {said}")
sys.exit(0 if right else 1)
PYTHON
