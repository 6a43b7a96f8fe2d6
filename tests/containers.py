"""The containers that every scaling must treat alike, as far as they are installed."""

import importlib.util

import numpy as np
import scipy.sparse as sp

CONTAINERS = {
    "numpy": np.asarray,
    "fortran": np.asfortranarray,
    "csr": sp.csr_array,
    "csc": sp.csc_array,
    "coo": sp.coo_array,
}
if importlib.util.find_spec("array_api_strict"):
    import array_api_strict

    CONTAINERS["strict"] = array_api_strict.asarray
if importlib.util.find_spec("torch"):
    import torch

    CONTAINERS["torch"] = torch.tensor


def dense(A):
    """Return any of the containers, matrix or vector, as a NumPy array."""
    if sp.issparse(A):
        return A.toarray()
    if hasattr(A, "detach"):
        return A.detach().numpy()
    return np.asarray(A)
