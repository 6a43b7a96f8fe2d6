#!/usr/bin/env bash
# matfree's Lanczos with full reorthogonalisation, the default, which its documentation
# calls usually a good idea, goes on after the Krylov space is exhausted: it normalises a
# residual that is rounding, and what it reorthogonalises is then the rounding of that.
# For twice the identity of order 16 the largest eigenvalue is 2 after 4 steps, 7.4 after
# 8 and 141 after 16; without reorthogonalisation it is 2 all the while. So a matrix with
# few distinct eigenvalues, such as that of a low-rank or a plain network, has a spectrum
# that is off by orders, without nan or warning. One would have guessed that full
# reorthogonalisation is the safe choice, and that a breakdown is noticed.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    matfree==0.6.3 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import jax
import jax.numpy as jnp
from matfree import decomp, eig

jax.config.update("jax_enable_x64", True)
print("matfree", version("matfree"), "jax", jax.__version__)
A = 2 * jnp.eye(16)
start = jax.random.normal(jax.random.PRNGKey(0), (16,))
tops = {}
for reortho in ("none", "full"):
    for steps in (4, 8, 16):
        solve = eig.eigh_partial(decomp.tridiag_sym(steps, reortho=reortho))
        values, _ = solve(lambda v: A @ v, start)
        tops[reortho, steps] = float(jnp.max(values))
        print(f"reortho={reortho!r}, {steps:2} steps: {tops[reortho, steps]:.6g}")
right = all(abs(tops["none", steps] - 2) < 1e-9 for steps in (4, 8, 16))
sys.exit(0 if right and tops["full", 8] > 3 and tops["full", 16] > 20 else 1)
PYTHON
