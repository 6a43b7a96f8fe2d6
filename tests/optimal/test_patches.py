"""Bounds of large matrices from small parts of them."""

import numpy as np
import pytest

from condlab import optimal_scaling
from condlab.gallery import wathen
from condlab.optimal._progress import Clock
from condlab.optimal.one_sided import _patches
from condlab.optimal.one_sided._patches import from_patch


@pytest.mark.parametrize("order", [1, 10, 60])
def test_a_part_bounds_the_whole(order, monkeypatch):
    A = wathen(4, 4, rng=np.random.default_rng(0))
    monkeypatch.setattr(_patches, "ORDER", order)
    best = optimal_scaling(A.toarray(), side="symmetric").optimum
    for centre in (0, 30, A.shape[0] - 1):
        found = from_patch(A, centre, 0.01, Clock(None))
        assert 1 <= found <= best.upper
        assert found > 0.8 * best.lower or order < 60
