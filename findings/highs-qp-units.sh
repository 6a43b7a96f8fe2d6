#!/usr/bin/env bash
# HiGHS scales the columns of a linear programme by itself; those of a quadratic one it does
# not. A convex one of two variables and three constraints is solved; with the second
# variable in a unit of 2^-16, which multiplies its column and its row and column of the
# Hessian by powers of two and changes no digit, the solver stops at a point that violates a
# constraint by 3.1, claims optimality, is caught by HiGHS's own check, and ends with "Solve
# error". Of 200 such problems with small integers half end so. The log's warning of large
# Hessian values proposes user_objective_scale, which does not help: not the objective is
# badly scaled but a variable, and multiplying that one back is the cure. The linear
# programme with the same constraints is solved in any of these units. One would have
# guessed that a solver that scales linear programmes is as indifferent to the units of
# quadratic ones.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    highspy==1.15.1 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import highspy
import numpy as np
import scipy.sparse as sp

print("highspy", version("highspy"))
FREE = highspy.kHighsInf


def solve(H, c, A, b, **options):
    """Minimise x.Hx/2 + c.x where Ax >= b; x is free."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    for name, value in options.items():
        solver.setOptionValue(name, value)
    n, columns = len(c), sp.csc_matrix(A)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = n, len(b)
    model.col_cost_, model.col_lower_, model.col_upper_ = c, [-FREE] * n, [FREE] * n
    model.row_lower_, model.row_upper_ = b, [FREE] * len(b)
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = columns.indptr, columns.indices
    model.a_matrix_.value_ = columns.data
    solver.passModel(model)
    if H is not None:
        lower, hessian = sp.csc_matrix(np.tril(H)), highspy.HighsHessian()
        hessian.dim_, hessian.format_ = n, highspy.HessianFormat.kTriangular
        hessian.start_, hessian.index_ = lower.indptr, lower.indices
        hessian.value_ = lower.data
        solver.passHessian(hessian)
    solver.run()
    status = solver.modelStatusToString(solver.getModelStatus())
    return status, np.array(solver.getSolution().col_value)


H, c = np.eye(2), np.array([-5.0, -4.0])
A, b = np.array([[2.0, 3], [-2, -1], [3, -1]]), np.array([2.0, 1, -9])
found = {}
for power in (0, 8, 16, 20):
    d = np.array([1, 2.0**power])  # x in the new unit is x / d
    for name, own in (("quadratic", H * np.outer(d, d)), ("linear", None)):
        cost = c if own is not None else np.array([2.0, 3])
        status, x = solve(own, cost * d, A * d, b)
        found[name, power] = status
        violated = max(0, float((b - A * d @ x).max()))
        print(f"unit 2^-{power:2} {name:9}: {status:11} x = {(x * d).round(4)} "
              f"violated by {violated:.2g}")
d = np.array([1, 2.0**16])
proposed, _ = solve(H * np.outer(d, d), c * d, A * d, b, user_objective_scale=-13)
print("with the proposed user_objective_scale:", proposed)

rng, failed = np.random.default_rng(1), {0: 0, 16: 0}
for _ in range(200):
    M = rng.integers(-3, 4, (2, 2)).astype(float)
    c, A = rng.integers(-5, 6, 2).astype(float), rng.integers(-3, 4, (3, 2)).astype(float)
    b = A @ rng.integers(-3, 4, 2) - rng.integers(0, 3, 3)
    for power in failed:
        d = np.array([1, 2.0**power])
        H = (M @ M.T + np.eye(2)) * np.outer(d, d)
        failed[power] += solve(H, c * d, A * d, b)[0] == "Solve error"
print("Solve error in", failed[0], "of 200, and in the other unit in", failed[16])
linear = all(found["linear", p] == "Optimal" for p in (0, 8, 16, 20))
fails = "Solve error" in (found["quadratic", 16], proposed)
solved = found["quadratic", 0] == "Optimal" and failed[0] == 0
sys.exit(0 if linear and solved and fails and failed[16] > 50 else 1)
PYTHON
