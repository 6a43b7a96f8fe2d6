"""What is done where a sparse factorisation is not to be had."""

import math

import numpy as np
import pytest
import scipy.sparse as sp

from condlab.condition._sparse_lu import FillError
from condlab.optimal import _large
from condlab.optimal._progress import Clock
from condlab.optimal.one_sided import matrix_free


@pytest.mark.parametrize("side", ["symmetric", "left", "right"])
def test_without_a_factorisation_the_dense_method_goes_as_far_as_it_can(
    side, monkeypatch
):
    def hopeless(A, clock):
        raise FillError

    monkeypatch.setattr(matrix_free, "_factorised", hopeless)
    monkeypatch.setattr(_large, "COMPONENT_BYTES", 0)
    rng = np.random.default_rng(0)
    units = 10.0 ** rng.uniform(-2, 2, 12)
    A = sp.diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(12, 12))
    A = sp.csr_array(sp.diags_array(units) @ A @ sp.diags_array(units))
    A = (A + A.T) / 2
    for room, known in ((math.inf, True), (0, False)):
        found, _ = _large.best_large(A, side, 2, 0.01, Clock(None), rng, room)
        assert math.isfinite(found.upper) == known
        assert found.upper <= 1.01 * found.lower or not known
