"""Matrices that fall apart are scaled part by part."""

import numpy as np
import pytest
import scipy.linalg as sl
import scipy.sparse as sp

from condlab import optimal_scaling
from condlab.optimal.one_sided.components import components

RNG = np.random.default_rng


def permuted(blocks, seed):
    rng, A = RNG(seed), sl.block_diag(*blocks)
    return A[rng.permutation(len(A))][:, rng.permutation(A.shape[1])]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("sizes", [(2, 3, 4), (5, 1, 1), (1, 1, 1), (6, 6)])
def test_the_optimum_is_the_largest_of_the_parts(side, sizes):
    rng = RNG(sum(sizes))
    blocks = [rng.standard_normal((n, n)) * 10.0 ** rng.uniform(-4, 4) for n in sizes]
    best = optimal_scaling(permuted(blocks, 0), side=side)
    parts = [optimal_scaling(B, side=side).optimum for B in blocks]
    assert best.gap <= 0.005
    assert best.optimum.lower <= max(part.upper for part in parts)
    assert max(part.lower for part in parts) <= best.optimum.upper


def test_parts_whose_shapes_forbid_full_rank_make_the_whole_singular():
    A = [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    for side in ("left", "right"):
        best = optimal_scaling(A, side=side)
        assert best.stopped == "singular"
        assert best.optimum.lower == np.inf


def test_one_singular_part_makes_the_whole_singular():
    A = sl.block_diag(np.ones((2, 2)), RNG(0).standard_normal((3, 3)))
    assert optimal_scaling(A).stopped == "singular"


def test_components_are_of_the_bipartite_graph_or_of_the_symmetric_one():
    A = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert len(components(sp.csr_array(A), "left")) == 2
    assert len(components(sp.csr_array(A), "symmetric")) == 1


def test_a_large_time_limit_changes_nothing():
    A = permuted([RNG(k).standard_normal((3, 3)) for k in range(4)], 1)
    assert optimal_scaling(A).optimum == optimal_scaling(A, time_limit=1e6).optimum
