"""Linear and quadratic programmes of MPS files, scaled and solved by HiGHS."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import scipy.sparse as sp

from condlab.diagnosis._problem import Problem
from condlab.errors import MatrixFileError, MissingExtraError
from condlab.types import Scaling

SUFFIXES = (".mps", ".mps.gz")
FEASIBLE = 1e-7  # HiGHS's own tolerance of constraints and bounds
SECONDS = 60.0  # for each run
OPTIONS = {  # its own scaling and presolving would hide what ours does
    "output_flag": False, "presolve": "off", "simplex_scale_strategy": 0,
    "threads": 1, "time_limit": SECONDS,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """min c'x + x'Qx/2 with row_lower ≤ A x ≤ row_upper, lower ≤ x ≤ upper."""

    A: sp.csr_array
    cost: np.ndarray
    rows: tuple[np.ndarray, np.ndarray]
    bounds: tuple[np.ndarray, np.ndarray]
    Q: sp.csc_array  # its lower triangle, as HiGHS holds it

    def infeasibility(self, x: np.ndarray) -> float:
        """Return by how much x breaks a constraint or a bound at most."""
        worst = 0.0
        for values, (low, high) in ((self.A @ x, self.rows), (x, self.bounds)):
            broken = np.maximum(low - values, values - high)
            worst = max(worst, float(broken.max(initial=0.0)))
        return worst


def is_programme(source: object) -> bool:
    """Tell whether what is to be diagnosed is the name of an MPS file."""
    return isinstance(source, str | Path) and str(source).endswith(SUFFIXES)


def read_programme(path: str | Path) -> Programme:
    """Return the programme of an MPS file.

    Raises
    ------
    MissingExtraError
        If HiGHS is not installed.
    MatrixFileError
        If it cannot read the file, or the programme has integers or no constraints.
    """
    highs = _highs()
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    solver = highs.Highs()
    _set(solver.setOptionValue)
    if solver.readModel(str(path)) != highs.HighsStatus.kOk:
        raise MatrixFileError(f"HiGHS reads no programme in {path}; is it an MPS file?")
    model = solver.getModel()
    lp, hessian = model.lp_, model.hessian_
    if any(kind != highs.HighsVarType.kContinuous for kind in lp.integrality_):
        raise MatrixFileError(
            f"{path} has integer variables, which scaling would take from their grid; "
            "relax them first"
        )
    m, n = lp.num_row_, lp.num_col_
    if 0 in (m, n):
        raise MatrixFileError(
            f"{path} has {m} constraints of {n} variables; none to scale"
        )
    columns = lp.a_matrix_.format_ == highs.MatrixFormat.kColwise
    kind = sp.csc_array if columns else sp.csr_array
    A = kind((lp.a_matrix_.value_, lp.a_matrix_.index_, lp.a_matrix_.start_), (m, n))
    Q = sp.csc_array((n, n))
    if hessian.dim_:
        Q = sp.csc_array((hessian.value_, hessian.index_, hessian.start_), (n, n))
    rows = np.array(lp.row_lower_), np.array(lp.row_upper_)
    bounds = np.array(lp.col_lower_), np.array(lp.col_upper_)
    sign = -1.0 if lp.sense_ == highs.ObjSense.kMaximize else 1.0
    return Programme(
        sp.csr_array(A), sign * np.array(lp.col_cost_), rows, bounds, sign * Q
    )


def iterations(problem: Problem, scaling: Scaling) -> dict[str, float]:
    """Count HiGHS's iterations, simplex or active set, and look at the constraints.

    The scaled programme has D₁ A D₂, D₂ c, D₂ Q D₂ and bounds to match; what it leaves
    of the constraints is measured in their own units. Both are inf without an optimum.
    """
    whole = problem.programme
    assert isinstance(whole, Programme)
    highs = _highs()
    solver = highs.Highs()
    _set(solver.setOptionValue)
    left = np.ones(whole.A.shape[0]) if scaling.left is None else scaling.left
    right = np.ones(whole.A.shape[1]) if scaling.right is None else scaling.right
    solver.setOptionValue("solver", "choose" if whole.Q.nnz else "simplex")
    solver.passModel(_model(highs, whole, scaling, left, right))
    solver.run()
    if solver.getModelStatus() != highs.HighsModelStatus.kOptimal:
        return {"iterations": math.inf, "infeasibility": math.inf}
    info, y = solver.getInfo(), np.array(solver.getSolution().col_value)
    count = max(info.simplex_iteration_count, 0) + max(info.qp_iteration_count, 0)
    broken = max(whole.infeasibility(right * y), FEASIBLE)
    return {"iterations": float(count), "infeasibility": broken}


def _model(
    highs: ModuleType,
    whole: Programme,
    scaling: Scaling,
    left: np.ndarray,
    right: np.ndarray,
) -> object:
    model = highs.HighsModel()
    lp, A = model.lp_, sp.csc_array(scaling.apply(whole.A))
    lp.num_row_, lp.num_col_ = A.shape
    lp.col_cost_ = right * whole.cost
    lp.col_lower_, lp.col_upper_ = (bound / right for bound in whole.bounds)
    lp.row_lower_, lp.row_upper_ = (left * bound for bound in whole.rows)
    lp.a_matrix_.format_ = highs.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = A.indptr, A.indices
    lp.a_matrix_.value_ = A.data
    if whole.Q.nnz:
        Q, hessian = Scaling(right, right).apply(whole.Q), model.hessian_
        hessian.dim_ = A.shape[1]
        hessian.format_ = highs.HessianFormat.kTriangular
        hessian.start_, hessian.index_ = Q.indptr, Q.indices
        hessian.value_ = Q.data
    return model


def _highs() -> ModuleType:
    try:
        return importlib.import_module("highspy")
    except ImportError:
        raise MissingExtraError(
            "an MPS file is read and solved by HiGHS, which is not installed; install "
            "it with: pip install highspy"
        ) from None


def _set(option: Callable[[str, object], object]) -> None:
    for name, value in OPTIONS.items():
        option(name, value)
