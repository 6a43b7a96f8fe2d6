"""Claims about associate normalisation: what it costs, and what it reduces to.

Formulas of the layers are written out on balls, so that a claim is decided exactly; the
tests hold each formula to the torch layer of `condlab.nn` or of torch itself. Inputs
are arrays of shape (examples, channels, positions).
"""

from __future__ import annotations

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Balls, Sides
from condlab.theory.formula import claim
from condlab.theory.references.networks import ASSOCIATE
from condlab.theory.strategies import st
from condlab.theory.vocabulary.layers import (
    associate,
    group_norm,
    resnet_share,
)

DEPTHS = (18, 34, 50, 101, 152)
TABLE_4 = {"group": (3, 3, 4, 4, 5), "instance": (279, 246, 2070, 2031, 2018)}


def _table_4(size: int) -> st.SearchStrategy:
    """Return the two cells of a column of the table, in hundredths of a per cent."""
    if size > len(DEPTHS):
        return strategies.none()
    cells = [(DEPTHS[size - 1], keys, row[size - 1]) for keys, row in TABLE_4.items()]
    return st.sampled_from(cells)


def _share(depth: int, keys: str, printed: int, stem: str) -> Sides:
    added, other = resnet_share(depth, keys, stem)
    share = balls.arb(10_000 * added) / other
    return abs(share - printed), balls.arb(1) / 2


@claim(
    "an-params",
    ASSOCIATE.at("Table 4"),
    _table_4,
    latex=r"100 \, \frac{\sum 3 N M}{P} = \text{Table 4}",
    note="The source does not give the embedding's length; this one reproduces all "
    "ten cells. The size is the table's column: ResNet-18, 34, 50, 101, 152.",
)
def params(depth: int, keys: str, printed: int) -> Sides:
    """On ResNets for ImageNet the three matrices of AssocNorm, with N = 32 group keys
    or N = C instance keys and an embedding of length N / 16, add the printed share of
    parameters, to its last digit."""
    return _share(depth, keys, printed, "imagenet")


@claim(
    "an-params-cifar",
    ASSOCIATE.at("Table 4"),
    _table_4,
    latex=r"100 \, \frac{\sum 3 N M}{P_{CIFAR}} = \text{Table 4}",
    note="False in every column: without ImageNet's head the base is smaller. The "
    "table was not computed on the networks of the experiments.",
    false_from=1,
)
def params_cifar(depth: int, keys: str, printed: int) -> Sides:
    """On the ResNets for CIFAR that the experiments use the same matrices add the
    printed share of parameters."""
    return _share(depth, keys, printed, "cifar")


def images(examples: int, channels: int, positions: int) -> strategies.Matrices:
    """Draw arrays of shape (examples, channels, positions) with short entries."""
    shape = (examples, channels, positions)
    flat = examples * channels
    kinds = st.one_of(
        strategies.small_integers(flat, positions), strategies.graded(flat, positions)
    )
    return kinds.map(lambda A: A.reshape(shape))


def _predictors(size: int) -> st.SearchStrategy:
    """Return an image, W_1, W_2 and W_3 of one encoded feature, B, and the groups."""
    divisors = [g for g in range(1, size + 1) if size % g == 0]
    encoder = strategies.small_integers(2, size)
    decoder = strategies.small_integers(size, 2)
    return st.tuples(
        images(2, size, 2),
        encoder,
        decoder,
        decoder,
        strategies.small_integers(2, size),
        st.sampled_from(divisors),
    )


@claim(
    "an-batch-free",
    ASSOCIATE.at("section 3"),
    _predictors,
    latex=r"y(x_1, X')_1 = y(x_1, X'')_1",
)
def batch_free(
    x: Balls, W1: Balls, W2: Balls, W3: Balls, B: Balls, groups: int
) -> Sides:
    """The output of AssocNorm for an example does not depend on the other examples of
    the batch."""
    together = associate(x, W1, W2, W3, B, groups)
    other = np.concatenate([x[:1], 3 * x[1:] + 1, x[1:]])
    return balls.equal(together[0], associate(other, W1, W2, W3, B, groups)[0])


@claim(
    "an-reduces-to-gn",
    ASSOCIATE.at("section 3.2 and eq. 6"),
    _predictors,
    latex=r"B_\omega x_s + B_\beta = \mathrm{GN}(x)",
)
def reduces_to_gn(
    x: Balls, W1: Balls, W2: Balls, W3: Balls, B: Balls, groups: int
) -> Sides:
    """AssocNorm without its predicted part is group normalisation with scale B_omega
    and shift B_beta."""
    y = associate(x, W1, W2, W3, B, groups, predict=False)
    return balls.equal(y, B[0][:, None] * group_norm(x, groups) + B[1][:, None])


@claim(
    "an-reduces-to-gn-zero-decoders",
    ASSOCIATE.at("eqs 5 and 6"),
    _predictors,
    latex=r"W_2 = W_3 = 0 \Rightarrow y = B_\omega x_s + B_\beta",
    note="The sigmoid of zero is 1/2: the scale is too large by that, and 3/2 at the "
    "start.",
    false_from=1,
)
def reduces_to_gn_zero_decoders(
    x: Balls, W1: Balls, W2: Balls, W3: Balls, B: Balls, groups: int
) -> Sides:
    """AssocNorm with zero decoders is group normalisation with scale B_omega and shift
    B_beta."""
    y = associate(x, W1, 0 * W2, 0 * W3, B, groups)
    return balls.equal(y, B[0][:, None] * group_norm(x, groups) + B[1][:, None])


@claim(
    "an-reduces-to-gn-zero-decoders-corrected",
    ASSOCIATE.at("eqs 5 and 6"),
    _predictors,
    latex=r"W_2 = W_3 = 0 \Rightarrow y = (B_\omega + 1/2) x_s + B_\beta",
)
def reduces_to_gn_zero_decoders_corrected(
    x: Balls, W1: Balls, W2: Balls, W3: Balls, B: Balls, groups: int
) -> Sides:
    """AssocNorm with zero decoders is group normalisation with scale B_omega + 1/2 and
    shift B_beta."""
    y = associate(x, W1, 0 * W2, 0 * W3, B, groups)
    weight = B[0] + balls.arb(0.5)
    return balls.equal(y, weight[:, None] * group_norm(x, groups) + B[1][:, None])
