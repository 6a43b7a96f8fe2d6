"""The containers that every scaling must treat alike."""

import array_api_strict
import numpy as np
import scipy.sparse as sp
import torch

CONTAINERS = {
    "numpy": np.asarray,
    "fortran": np.asfortranarray,
    "strict": array_api_strict.asarray,
    "torch": torch.tensor,
    "csr": sp.csr_array,
    "csc": sp.csc_array,
    "coo": sp.coo_array,
}


def dense(A):
    """Return any of the containers, matrix or vector, as a NumPy array."""
    if sp.issparse(A):
        return A.toarray()
    if isinstance(A, torch.Tensor):
        return A.detach().numpy()
    return np.asarray(A)
