"""A lab bench for conditioning in numerical linear algebra and deep learning.

Scalings, condition numbers and bounds are here. ``condlab.theory``, ``condlab.nn`` and
the other rooms need optional dependencies and are loaded on first use.

Examples
--------
>>> import condlab
>>> A = [[1.0, 2.0], [300.0, 100.0]]
>>> condlab.cond_2(A).value > 50, condlab.cond_2(condlab.row_scaling(A).apply(A)).value
(True, 2.4142135623...)
"""

import importlib
import importlib.util
from types import ModuleType
from typing import TYPE_CHECKING

from condlab.condition import (
    cond_1,
    cond_2,
    cond_fro,
    cond_inf,
    cond_skeel,
    estimate_cond_1,
    estimate_cond_2,
)
from condlab.condition.exact import cond
from condlab.errors import (
    MatrixFileError,
    MissingExtraError,
    NotPositiveDefiniteError,
    SingularMatrixError,
)
from condlab.inputs import InputNormalisation, normalise_inputs
from condlab.norms import column_norms, row_norms
from condlab.scaling import (
    column_scaling,
    jacobi_scaling,
    row_column_scaling,
    row_scaling,
    ruiz_scaling,
)
from condlab.types import (
    Bracket,
    ConditionEstimate,
    ConditionEstimates,
    ScaledSystem,
    Scaling,
)

if TYPE_CHECKING:
    from condlab._scaling_rows import ScalingComparison, ScalingRow
    from condlab.bounds import bauer, van_der_sluis
    from condlab.comparison import SCALINGS, compare_scalings
    from condlab.diagnosis import Advice, Attempt, Culprit, Diagnosis, diagnose
    from condlab.optimal import OptimalScaling, optimal_scaling

__version__ = "0.1.0"

__all__ = [
    "SCALINGS",
    "Advice",
    "Attempt",
    "Bracket",
    "ConditionEstimate",
    "ConditionEstimates",
    "Culprit",
    "Diagnosis",
    "InputNormalisation",
    "MatrixFileError",
    "MissingExtraError",
    "NotPositiveDefiniteError",
    "OptimalScaling",
    "ScaledSystem",
    "Scaling",
    "ScalingComparison",
    "ScalingRow",
    "SingularMatrixError",
    "bauer",
    "column_norms",
    "column_scaling",
    "compare_scalings",
    "cond",
    "cond_1",
    "cond_2",
    "cond_fro",
    "cond_inf",
    "cond_skeel",
    "diagnose",
    "estimate_cond_1",
    "estimate_cond_2",
    "jacobi_scaling",
    "normalise_inputs",
    "optimal_scaling",
    "row_column_scaling",
    "row_norms",
    "row_scaling",
    "ruiz_scaling",
    "van_der_sluis",
]

_ROOMS = {  # and the packages that a room cannot be loaded without
    "audit": (),
    "collection": (),
    "curvature": ("torch",),
    "gallery": (),
    "io": (),
    "lanczos": (),
    "spectra": ("torch",),
    "nn": ("torch",),
    "plots": ("matplotlib",),
    "report": ("hypothesis", "flint", "matplotlib", "latex2mathml"),
    "theory": ("hypothesis", "flint"),
}


_LATER = {  # public names, and where they are: what these need takes long to load
    "bauer": "bounds",
    "van_der_sluis": "bounds",
    "SCALINGS": "comparison",
    "ScalingComparison": "_scaling_rows",
    "ScalingRow": "_scaling_rows",
    "compare_scalings": "comparison",
    "OptimalScaling": "optimal",
    "optimal_scaling": "optimal",
    "Advice": "diagnosis",
    "Culprit": "diagnosis",
    "Diagnosis": "diagnosis",
    "Attempt": "diagnosis",
    "diagnose": "diagnosis",
}


def __getattr__(name: str) -> ModuleType:
    """Load a room of the package, or what is public of one, on first use."""
    if name in _LATER:
        return getattr(importlib.import_module(f"condlab.{_LATER[name]}"), name)
    if name in _LATER.values():
        return importlib.import_module(f"condlab.{name}")
    if name not in _ROOMS:
        raise AttributeError(f"module 'condlab' has no attribute {name!r}")
    try:
        return importlib.import_module(f"condlab.{name}")
    except MissingExtraError as error:  # what is not there, hasattr and help must pass
        raise AttributeError(str(error)) from error


def __dir__() -> list[str]:
    """List the public names and the rooms that can be loaded."""
    rooms = [name for name, needed in _ROOMS.items() if all(map(_is_there, needed))]
    return sorted([*__all__, *rooms, "__version__"])


def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
