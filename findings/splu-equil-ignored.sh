#!/usr/bin/env bash
# scipy.sparse.linalg.splu takes SuperLU's options, checks their names, and lists Equil,
# which says whether rows and columns are scaled first; SuperLU's own default is to scale.
# Only SuperLU's expert driver scales, and SciPy calls the factorisation below it: with
# Equil=True and Equil=False the factors are the same to the bit, pivots and all. So are
# those of spilu, and ConditionNumber, PivotGrowth and IterRefine have no effect either,
# whereas DiagPivotThresh, in the same dictionary, has. One equation in a unit of 1e-20
# then loses a well-conditioned system: x = (0, 1) for (1, 1), where scaling its row, by
# hand, gives (1, 1). One would have guessed that an accepted option does what it says, or
# that the matrix is scaled anyway.
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
from scipy.sparse.linalg import spilu, splu

print("numpy", np.__version__, "scipy", scipy.__version__)
rows = np.array([1e20, 1])
A = sp.csc_array(rows[:, None] * np.array([[1e-19, 1], [1, 1]]))
b = A @ np.ones(2)
print("condition number with scaled rows", np.linalg.cond(A.toarray() / rows[:, None]))
for equil in (True, False):
    print(f"Equil={equil}: x =", splu(A, options={"Equil": equil}).solve(b))
x = splu(A, options={"Equil": True}).solve(b)
by_hand = splu(sp.csc_array(A / rows[:, None])).solve(b / rows)
print("rows scaled by hand: x =", by_hand)

rng = np.random.default_rng(0)
M = sp.random_array((60, 60), density=0.2, rng=rng) + sp.eye_array(60)
units = [sp.diags_array(10 ** rng.uniform(-8, 8, 60)) for _ in range(2)]
M = sp.csc_array(units[0] @ M @ units[1])


def parts(factorise, **options):
    lu = factorise(M, options=options)
    return [lu.L.toarray(), lu.U.toarray(), lu.perm_r, lu.perm_c]


def same(factorise, first, second):
    pairs = zip(parts(factorise, **first), parts(factorise, **second))
    return all(np.array_equal(p, q) for p, q in pairs)


ignored = []
for name, values in (("Equil", (True, False)), ("ConditionNumber", (True, False)),
                     ("PivotGrowth", (True, False)), ("IterRefine", ("NOREFINE", "DOUBLE"))):
    for f in (splu, spilu):
        ignored.append(same(f, {name: values[0]}, {name: values[1]}))
        print(f"{f.__name__:5} {name} {values}: same to the bit is {ignored[-1]}")
heeded = not same(splu, {"DiagPivotThresh": 1.0}, {"DiagPivotThresh": 0.0})
print("splu  DiagPivotThresh (1, 0): differs is", heeded)
try:
    splu(M, options={"Equilibrate": True})
    checked = False
except TypeError as error:
    checked = True
    print("Equilibrate: TypeError:", error)
lost = abs(x[0]) < 0.1 and np.allclose(by_hand, 1)
sys.exit(0 if all(ignored) and heeded and checked and lost else 1)
PYTHON
