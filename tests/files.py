"""Files for tests, good and bad."""

import numpy as np
import pytest
import scipy.sparse as sp

from condlab.errors import MatrixFileError
from condlab.io import read_matrix


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path, message, **options):
    with pytest.raises(MatrixFileError, match=message) as error:
        read_matrix(path, **options)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def bits(A):
    """Return shape and bytes in double precision: signs of zeros and all digits."""
    A = A.toarray() if sp.issparse(A) else np.asarray(A)
    # SciPy calls a sparse matrix without entries real, whatever its type
    is_complex = A.dtype.kind == "c" and A.any()
    return A.shape, (
        A.astype(complex) if is_complex else A.real.astype(float)
    ).tobytes()
