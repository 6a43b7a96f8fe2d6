#!/usr/bin/env bash
# hessian-eigenthings 1.0 (alpha 5) takes a Lanczos residual below 1e-12 for an invariant
# space, whatever the size of the matrix. So a Hessian in small units, of a loss that is
# scaled down, has its largest eigenvalue off by a factor of two here, after one step, and
# `converged` says True: the residual is compared with 1e-4 times the eigenvalue, but at
# least with 1e-16. The same matrix times 2^60 is right. Power iteration returns 0, converged as well. One would have guessed that an
# eigensolver commutes with a power of two, and that converged means the documented
# "|beta s| < tol |lambda|".
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    hessian-eigenthings==1.0.0a5 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import torch
from hessian_eigenthings import LambdaOperator, deflated_power_iteration, lanczos

print("hessian-eigenthings", version("hessian-eigenthings"), "torch", torch.__version__)
values = torch.arange(1.0, 41.0, dtype=torch.float64)
tops = {}
for exponent in (0, -60):
    A = torch.diag(values) * 2.0**exponent
    operator = LambdaOperator(lambda v: A @ v, 40, dtype=A.dtype)
    for name, solve in (
        ("lanczos", lambda: lanczos(operator, k=1, max_iter=40, seed=0)),
        ("power", lambda: deflated_power_iteration(operator, k=1, max_iter=2000, seed=0)),
    ):
        found = solve()
        tops[name, exponent] = float(found.eigenvalues[0]) / 2.0**exponent
        print(
            f"{name:8} in units of 2^{exponent}: {tops[name, exponent]:.6g} (true 40), "
            f"converged {bool(found.converged[0])}, steps {found.iterations}"
        )
        if not bool(found.converged[0]):
            sys.exit(1)
right = all(abs(tops[name, 0] - 40) < 0.01 for name in ("lanczos", "power"))
wrong = tops["lanczos", -60] < 30 and tops["power", -60] == 0
sys.exit(0 if right and wrong else 1)
PYTHON
