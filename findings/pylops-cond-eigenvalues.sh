#!/usr/bin/env bash
# PyLops' LinearOperator.cond says that it estimates the condition number by a quotient of
# eigenvalues, and how that number relates errors of the data to those of the solution. It
# divides eigenvalues of every square operator, self-adjoint or not, without a modulus: a
# random matrix of condition number 259 gets a complex number with a negative real part,
# an indefinite symmetric one its condition number with a minus sign, and the identity with
# one entry of 1e6 beside the diagonal, of condition number 1e12, gets 1. A tall operator
# gets singular values and is right. A wide one, of condition number 4, has those of
# A^H A, zeros by its shape among them, and gets 1e6 or more, whatever rounding leaves. One
# would have guessed a real number of at least 1, and the same one for A and for A^H.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    pylops==2.8.0 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import pylops
import scipy

print("pylops", pylops.__version__, "numpy", np.__version__, "scipy", scipy.__version__)
rng = np.random.default_rng(0)
diagonal = np.diag(np.geomspace(1, 1e-3, 20))
tall, wide = rng.standard_normal((20, 8)), rng.standard_normal((8, 20))
square, S = rng.standard_normal((20, 20)), rng.standard_normal((20, 20))
shear = np.eye(8)
shear[0, 1] = 1e6
matrices = {"diagonal": diagonal, "tall": tall, "wide": wide, "square": square,
            "indefinite": S + S.T, "shear": shear}
theirs, exact = {}, {}
for name, A in matrices.items():
    exact[name] = float(np.linalg.cond(A))
    theirs[name] = complex(pylops.MatrixMult(A).cond())
    print(f"{name:10} {A.shape}: cond {theirs[name]:.6g}, sigma_1 / sigma_n "
          f"{exact[name]:.6g}")
right = all(abs(theirs[n] / exact[n] - 1) < 1e-6 for n in ("diagonal", "tall"))
unreal = theirs["square"].real < 0 and abs(theirs["square"].imag) > 1
negative = abs(theirs["indefinite"] / exact["indefinite"] + 1) < 1e-6
sheared = abs(theirs["shear"] - 1) < 1e-3 and exact["shear"] > 9e11
lost = abs(theirs["wide"]) > 1e4 * exact["wide"]
sys.exit(0 if right and unreal and negative and sheared and lost else 1)
PYTHON
