"""Claims about normalisation layers: what they leave alone, undo, bound and cost.

Formulas of the layers are written out on balls, so that a claim is decided exactly; the
tests hold each formula to the torch layer of `condlab.nn` or of torch itself. Inputs
are arrays of shape (examples, channels, positions).

One channel has no other to differ from.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Balls, Sides
from condlab.theory.formula import claim
from condlab.theory.references import (
    ASSOCIATE,
    GROUP_NORM,
    IOFFE_SZEGEDY,
    NORMALIZATION_SURVEY,
    RMS_NORM,
)
from condlab.theory.strategies import st
from condlab.theory.vocabulary.layers import (
    EPS,
    associate,
    batch_norm,
    example_norm,
    group_norm,
    mean,
    resnet_share,
    standardise,
    variance,
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


def _biased(size: int) -> st.SearchStrategy:
    return st.tuples(images(2, size, 2), strategies.vectors(size))


def _bias_free(x: Balls, b: Balls, norm: Callable) -> Sides:
    return balls.equal(norm(x + b[:, None]), norm(x))


@claim(
    "norm-bias-free-batch",
    IOFFE_SZEGEDY.at("section 3.2"),
    _biased,
    latex=r"N(x + b \, e^T) = N(x)",
)
def bias_free_batch(x: Balls, b: Balls) -> Sides:
    """A bias for each channel before batch norm changes nothing."""
    return _bias_free(x, b, batch_norm)


def _instance_norm(x: Balls) -> Balls:
    return group_norm(x, x.shape[1])


@claim(
    "norm-bias-free-instance",
    NORMALIZATION_SURVEY.at("Batch normalization"),
    _biased,
    latex=r"N(x + b \, e^T) = N(x)",
)
def bias_free_instance(x: Balls, b: Balls) -> Sides:
    """A bias for each channel before instance norm changes nothing."""
    return _bias_free(x, b, _instance_norm)


@claim(
    "norm-bias-free-layer",
    NORMALIZATION_SURVEY.at("Batch normalization"),
    _biased,
    latex=r"N(x + b \, e^T) = N(x)",
    note="Its mean is one for all channels, so that only what they have in common is "
    "lost; one channel has nothing else.",
    false_from=2,
)
def bias_free_layer(x: Balls, b: Balls) -> Sides:
    """A bias for each channel before layer norm over channels and positions changes
    nothing."""
    return _bias_free(x, b, example_norm)


def _pairs(x: Balls) -> Balls:
    channels = x.shape[1]
    return group_norm(x, channels // 2 if channels % 2 == 0 else 1)


@claim(
    "norm-bias-free-group",
    NORMALIZATION_SURVEY.at("Batch normalization"),
    _biased,
    latex=r"N(x + b \, e^T) = N(x)",
    note="An odd number of channels is one group. A group of one channel is instance "
    "norm, before which a bias changes nothing.",
    false_from=2,
)
def bias_free_group(x: Balls, b: Balls) -> Sides:
    """A bias for each channel before group norm with channels in pairs
    changes nothing."""
    return _bias_free(x, b, _pairs)


def _rms(x: Balls) -> Balls:
    return example_norm(x, centred=False)


@claim(
    "norm-bias-free-rms",
    RMS_NORM.at("section 4"),
    _biased,
    latex=r"N(x + b \, e^T) = N(x)",
    note="It subtracts no mean.",
    false_from=1,
)
def bias_free_rms(x: Balls, b: Balls) -> Sides:
    """A bias for each channel before RMS norm over channels and positions changes
    nothing."""
    return _bias_free(x, b, _rms)


def _rows(size: int) -> strategies.Matrices:
    """Draw one channel of a batch, shape (1, size)."""
    return st.one_of(strategies.small_integers(1, size), strategies.graded(1, size))


def _undo(x: Balls, of: Balls) -> Balls:
    """Return batch norm of x with the scale and shift that undo that of another."""
    gamma = balls.sqrt(variance(of)[0] + EPS)
    return gamma * standardise(x) + mean(of)[0]


@claim(
    "norm-bn-identity",
    IOFFE_SZEGEDY.at("section 3"),
    _rows,
    latex=r"\sqrt{\sigma^2 + \epsilon} \, \mathrm{BN}(x) + \mu = x",
)
def bn_identity(x: Balls) -> Sides:
    """The scale sqrt(var + eps) and the shift mean of a batch undo its batch norm
    exactly."""
    return balls.equal(_undo(x, x), x)


@claim(
    "norm-bn-identity-every-batch",
    IOFFE_SZEGEDY.at("section 3"),
    lambda n: st.tuples(_rows(n), _rows(n)),
    latex=r"\sqrt{\sigma_Z^2 + \epsilon} \, \mathrm{BN}(x) + \mu_Z = x",
    note="In training the output's mean is the shift whatever the batch's was.",
    false_from=1,
)
def bn_identity_every_batch(x: Balls, other: Balls) -> Sides:
    """The scale and shift that undo batch norm on one batch undo it on every other."""
    return balls.equal(_undo(x, other), x)


@claim(
    "norm-family-layer-group",
    GROUP_NORM.at("section 3.1"),
    lambda n: images(2, n, 2),
    latex=r"\mathrm{LN}(x) = \mathrm{GN}_1(x)",
)
def family_layer_group(x: Balls) -> Sides:
    """Layer norm over channels and positions is group norm with one group."""
    return balls.equal(example_norm(x), group_norm(x, 1))


@claim(
    "norm-family-instance-group",
    GROUP_NORM.at("section 3.1"),
    lambda n: images(2, n, 2),
    latex=r"\mathrm{IN}(x) = \mathrm{GN}_C(x) = \mathrm{BN}(\{x\})",
)
def family_instance_group(x: Balls) -> Sides:
    """Instance norm is group norm with one channel a group, and batch norm of the
    example alone."""
    return balls.equal(
        group_norm(x, x.shape[1]),
        np.concatenate([batch_norm(example[None]) for example in x]),
    )


@claim(
    "norm-family-rms-layer",
    RMS_NORM.at("section 3"),
    lambda n: images(1, n, 2),
    latex=r"\mathrm{RMS}(x - \bar x) = \mathrm{LN}(x - \bar x)",
)
def family_rms_layer(x: Balls) -> Sides:
    """RMS norm is layer norm on input of mean zero."""
    return balls.equal(_rms(x - x.sum() / x.size), example_norm(x - x.sum() / x.size))
