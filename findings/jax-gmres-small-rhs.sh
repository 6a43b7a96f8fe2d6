#!/usr/bin/env bash
# JAX's gmres returns its start, zero, and info 0 ("0 : successful exit"), for a
# right-hand side whose norm is below the machine epsilon of its dtype, whatever tol and
# atol say: in float32, JAX's default, for any b of norm below 1.2e-7. A vector that short
# is "taken to be 0" where it is normalised: a system that is solved to 1e-6 for b is left
# with a residual of all of b for b / 1e8. cg and bicgstab of the module, and SciPy's
# gmres, whose interface this is, solve it. One would have guessed that a solver with a
# relative tolerance is linear in b so far above underflow, and that info 0 says that
# it has solved something.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 scipy==1.17.1
JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import sys

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse.linalg
from jax.scipy.sparse.linalg import bicgstab, cg, gmres

print("jax", jax.__version__, "numpy", np.__version__, "scipy", scipy.__version__)
A = np.diag(np.linspace(1, 10, 50)).astype(np.float32)
found, zero = {}, {}
for unit in (1.0, 1e-6, 1e-8, 1e-12):
    b = np.full(50, unit, np.float32)
    for solve in (gmres, cg, bicgstab, scipy.sparse.linalg.gmres):
        name = solve.__module__.split(".")[0] + " " + solve.__name__
        options = {"rtol": 1e-5} if name.startswith("scipy") else {"tol": 1e-5}
        x, info = solve(A if name.startswith("scipy") else jnp.asarray(A), b, **options)
        rest = A.astype(float) @ np.asarray(x, float) - b
        found[name, unit] = float(np.linalg.norm(rest) / np.linalg.norm(b))
        zero[name, unit] = not np.any(x)
        print(f"b in units of {unit:5.0e}: {name:13} relative residual "
              f"{found[name, unit]:.1e}, info {info}")
        assert info is None or int(info) == 0
names = {name for name, _ in found}
ours = next(name for name in names if name.startswith("jax") and name.endswith("gmres"))
left = zero[ours, 1e-8] and zero[ours, 1e-12]
solved = all(r < 1e-4 for (name, unit), r in found.items() if name != ours or unit > 1e-7)
sys.exit(0 if left and solved else 1)
PYTHON
