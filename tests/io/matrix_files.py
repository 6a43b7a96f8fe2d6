"""Files that tests of reading share, and how a bad one is refused."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from condlab.errors import MatrixFileError
from condlab.io import (
    read_matrix,
)

DENSE = np.array([[1.5, 0.0, -2e-300], [0.1, 3e300, 1 / 3]])
COORDINATE = "%%MatrixMarket matrix coordinate real general\n"
ARRAY = "%%MatrixMarket matrix array real general\n"


def dense(A):
    return A.toarray() if sp.issparse(A) else A


def matrix_market(tmp_path, text, name="A.mtx"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(path, message, **options):
    """Assert one line, soon, and without memory for what a header only claims."""
    tracemalloc.start()
    start = time.monotonic()
    with pytest.raises(MatrixFileError, match=message) as error:
        read_matrix(path, **options)
    assert time.monotonic() - start < 2
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
