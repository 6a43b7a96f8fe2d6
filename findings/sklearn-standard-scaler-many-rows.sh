#!/usr/bin/env bash
# scikit-learn's StandardScaler leaves a feature as it is, for want of variance, where its
# deviation is below its mean times the number of rows times 2.2e-16: its bound on what
# rounding may have done. So the same feature is scaled or not by how many rows there are.
# Times in nanoseconds since 1970, half a second of them, have unit deviation after it with
# a thousand rows, and one of 1.4e8 with a million, without a warning; the variance that it
# reports is right to six digits both times. One would have guessed that a feature is left
# alone only where it is constant, as the documentation of scale_ says.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    scikit-learn==1.9.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings

import numpy as np
import sklearn
from sklearn.preprocessing import StandardScaler

print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
warnings.simplefilter("error")
rng = np.random.default_rng(0)
after = {}
for rows in (1_000, 1_000_000):
    times = 1.7e18 + rng.uniform(0, 5e8, size=(rows, 1))
    scaler = StandardScaler().fit(times)
    deviation = (times - times[0]).std()
    after[rows] = scaler.transform(times).std()
    print(f"{rows:9,} rows: deviation {deviation:.6g}, sqrt of var_ "
          f"{scaler.var_[0] ** 0.5:.6g}, scale_ {scaler.scale_[0]:.6g}, "
          f"deviation after {after[rows]:.6g}")
    if abs(scaler.var_[0] ** 0.5 / deviation - 1) > 1e-5:
        sys.exit(1)
sys.exit(0 if abs(after[1_000] - 1) < 1e-6 and after[1_000_000] > 1e7 else 1)
PYTHON
