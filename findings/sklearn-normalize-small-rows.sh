#!/usr/bin/env bash
# sklearn.preprocessing.normalize leaves a dense row as it is where its norm is below
# 2.2e-15, ten times the rounding of 1, as if it were zero; in a sparse matrix the same
# row is scaled. So the rows of a matrix in small units, 1e-16 for a charge or a
# wavelength squared, keep a norm of 1e-16 beside rows of norm 1, without a warning, and
# X and its CSR copy have different results. One would have guessed that a function whose
# one job is to divide by norms does not depend on the unit, and not on the container.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import numpy as np
import scipy
import scipy.sparse as sp
import sklearn
from sklearn.preprocessing import normalize

print("scikit-learn", sklearn.__version__, "numpy", np.__version__, "scipy", scipy.__version__)
X = np.array([[3.0, 4.0], [3e-16, 4e-16]])
dense, sparse = normalize(X), normalize(sp.csr_array(X)).toarray()
for name, Y in (("dense", dense), ("sparse", sparse)):
    print(f"{name:7} norms of the rows: {np.linalg.norm(Y, axis=1)}")
left = (dense[1] == X[1]).all()
scaled = abs(np.linalg.norm(sparse[1]) - 1) < 1e-9
sys.exit(0 if left and scaled else 1)
PYTHON
