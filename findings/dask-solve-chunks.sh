#!/usr/bin/env bash
# dask.array.linalg's lu, solve and inv exchange rows within a diagonal chunk and never
# between chunks. A system of condition number 24 whose leading 4 x 4 block is small, 1e-12
# of the rest, is solved to rounding as one chunk and with an error of 1e-4 in chunks of 4,
# without a warning; at 1e-16 no digit is left. A permutation matrix that is its own
# inverse is "singular" in two chunks. So the chunks, which elsewhere set time and memory,
# decide the accuracy, and whether a matrix with a zero block, as of a saddle point, has an
# inverse at all. One would have guessed partial pivoting, or a word about its lack.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "dask[array]==2026.8.0" numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import dask
import dask.array as da
import numpy as np
import scipy

print("dask", dask.__version__, "numpy", np.__version__, "scipy", scipy.__version__)
dask.config.set(scheduler="synchronous")
rng = np.random.default_rng(0)
B, C = rng.standard_normal((2, 4, 4))
off = {}
for small in (1, 1e-4, 1e-8, 1e-12, 1e-16):
    A = np.block([[small * B, C], [C.T, np.eye(4)]])
    for chunk in (8, 4, 2):
        x = da.linalg.solve(
            da.from_array(A, chunks=chunk), da.from_array(A @ np.ones(8), chunks=chunk)
        ).compute()
        off[small, chunk] = float(np.abs(x - 1).max())
    print(f"leading block {small:5.0e}, condition number {np.linalg.cond(A):4.0f}: error "
          + ", ".join(f"{off[small, c]:.1e} in chunks of {c}" for c in (8, 4, 2)))
swap, singular = np.fliplr(np.eye(8)), []
for chunk in (8, 4):
    try:
        own = da.linalg.inv(da.from_array(swap, chunks=chunk)).compute()
        singular.append(False)
        print(f"permutation in chunks of {chunk}: its own inverse is", (own == swap).all())
    except np.linalg.LinAlgError as error:
        singular.append(True)
        print(f"permutation in chunks of {chunk}: LinAlgError: {error}")
whole = max(error for (_, chunk), error in off.items() if chunk == 8)
lost = off[1e-12, 4] > 1e-5 and off[1e-16, 4] > 0.1
sys.exit(0 if whole < 1e-11 and lost and singular == [False, True] else 1)
PYTHON
