"""Public functions of other libraries, and condlab's own, as subjects of an audit."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from types import MappingProxyType

import condlab
from condlab.audit.model import Subject
from condlab.audit.subjects import (
    autodiff,
    dense,
    densities,
    eigenvalues,
    scalings,
    singular_values,
    traces,
)

__all__ = ["SUBJECTS", "is_there", "version"]

SUBJECTS: MappingProxyType[str, Subject] = MappingProxyType(
    {
        subject.name: subject
        for module in (
            dense,
            eigenvalues,
            singular_values,
            traces,
            densities,
            scalings,
            autodiff,
        )
        for subject in module.SUBJECTS
    }
)


def is_there(subject: Subject) -> bool:
    """Tell whether a subject's package can be imported."""
    return importlib.util.find_spec(subject.module) is not None


def version(subject: Subject) -> str:
    """Return the version of a subject's package, which is there."""
    if subject.package == "condlab":  # it may run from a checkout
        return condlab.__version__
    return importlib.metadata.version(subject.package)
