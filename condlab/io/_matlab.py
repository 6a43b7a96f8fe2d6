"""MATLAB's files up to version 7, checked before they are loaded."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import scipy.io
from scipy.io.matlab import MatReadWarning

from condlab.errors import MatrixFileError
from condlab.io import _limits

_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_NUMBERS = ("double", "single", "logical", "sparse", *_INTEGERS)

Variable = tuple[str, tuple[int, ...], str]  # name, shape and MATLAB's class


def read(path: Path, name: str | None) -> Any:
    """Return the matrix, or the one called `name`, of a MATLAB file."""
    try:
        name, shape, kind = _chosen(scipy.io.whosmat(path), path, name)
        stored = None if kind != "sparse" else path.stat().st_size
        _limits.require_shape(path, shape, stored)
        if kind != "sparse":
            _limits.require_plausible_inflation(path, 8 * math.prod(shape))
            _limits.require_memory(path, 16 * math.prod(shape))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MatReadWarning)  # of what was not asked for
            return scipy.io.loadmat(path, variable_names=[name])[name]
    except MatrixFileError:
        raise
    except NotImplementedError:  # SciPy's word for HDF5
        raise MatrixFileError(
            f"{path}: a MATLAB file of version 7.3 is HDF5; save it from MATLAB with "
            "save(..., '-v7'), or read it with h5py and give the array"
        ) from None
    except MemoryError:
        raise
    except Exception as error:  # SciPy's reader believes what a damaged file says
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise MatrixFileError(f"{path}: not a whole MATLAB file ({reason})") from None


def _chosen(found: list[Variable], path: Path, name: str | None) -> Variable:
    usable = [variable for variable in found if variable[2] in _NUMBERS]
    if name is None and len(usable) == 1:
        return usable[0]
    listed = ", ".join(f"{n} ({kind})" for n, _, kind in found[:8])
    listed += ", ..." if len(found) > 8 else ""
    if name is None:
        advice = "choose one by name from" if usable else "none of them numbers:"
        raise MatrixFileError(
            f"{path}: it holds {len(found)} variables; {advice} {listed}".rstrip(": ")
        )
    for variable in found:
        if variable[0] == name:
            if variable not in usable:
                raise MatrixFileError(
                    f"{path}: numbers are needed, and {name} is a {variable[2]}"
                )
            return variable
    raise MatrixFileError(
        f"{path}: there is no variable called {name!r}; it holds {listed or 'none'}"
    )
