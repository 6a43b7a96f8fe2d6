#!/usr/bin/env bash
# SciPy's tfqmr with a preconditioner M solves another system: where its stopping test is
# met it returns info 0 and M A^-1 M^-1 b, which is A^-1 b only if M and A commute, as a
# multiple of the identity does, or two diagonal matrices. For a diagonally dominant
# tridiagonal A of condition number 19 and Jacobi's M, the inverse of A's diagonal, the
# relative residual is 8 where rtol asks for 1e-8. The method starts from the residual of
# Ax = b and updates it as that of MAx = Mb; its own test never forms b - Ax. Without M,
# and for bicgstab, cgs and gmres with the same M, the residual is what rtol asks for. One
# would have guessed that a preconditioner changes the number of steps and not the answer.
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
import scipy.sparse as sp
from scipy.sparse.linalg import bicgstab, cgs, gmres, tfqmr

print("numpy", np.__version__, "scipy", scipy.__version__)
n = 50
A = sp.diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(n, n))
A = sp.csr_array(sp.diags_array(np.where(np.arange(n) % 2, 1.0, 4.0)) @ A)
b = np.ones(n)
jacobi, fifth = sp.diags_array(1 / A.diagonal()), sp.diags_array(np.full(n, 0.2))
print(f"condition number {np.linalg.cond(A.toarray()):.0f}")
residuals = {}
for name, M in (("no M", None), ("M = I / 5", fifth), ("Jacobi", jacobi)):
    for solver in (bicgstab, cgs, gmres, tfqmr):
        x, info = solver(A, b, rtol=1e-8, atol=0, M=M)
        r = float(np.linalg.norm(A @ x - b) / np.linalg.norm(b))
        residuals[name, solver.__name__] = r
        print(f"{name:9} {solver.__name__:8} info {info}, relative residual {r:.1e}")
        assert info == 0
# the last x is tfqmr's with Jacobi's M
other = jacobi @ np.linalg.solve(A.toarray(), b * A.diagonal())
apart = float(np.linalg.norm(x - other) / np.linalg.norm(other))
print(f"that x is off M A^-1 M^-1 b by {apart:.1e}")
wrong = residuals.pop(("Jacobi", "tfqmr"))
sys.exit(0 if wrong > 1 and apart < 1e-6 and max(residuals.values()) < 1e-7 else 1)
PYTHON
