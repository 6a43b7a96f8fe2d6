"""What can be wrong with a matrix, a file or an installation."""

from __future__ import annotations

import numpy as np


class SingularMatrixError(np.linalg.LinAlgError):
    """Raise where a nonsingular matrix is needed and a singular one came."""


class NotPositiveDefiniteError(np.linalg.LinAlgError):
    """Raise where a positive definite matrix is needed and another one came."""


class MatrixFileError(ValueError):
    """Raise where a file does not hold the matrix that it should."""


class MissingExtraError(ImportError):
    """Raise where an optional dependency is needed and not installed."""


def missing_extra(package: str, extra: str, purpose: str) -> MissingExtraError:
    """Return the error that says which extra to install.

    Parameters
    ----------
    package : str
        The distribution that could not be imported.
    extra : str
        The extra of condlab that brings it.
    purpose : str
        What it is needed for, as the subject of the sentence.

    Examples
    --------
    >>> raise missing_extra("pooch", "studies", "downloading a matrix")
    Traceback (most recent call last):
    condlab.errors.MissingExtraError: downloading a matrix needs pooch; install it
    with: pip install 'condlab[studies]'
    """
    return MissingExtraError(
        f"{purpose} needs {package}; install it with: pip install 'condlab[{extra}]'"
    )
