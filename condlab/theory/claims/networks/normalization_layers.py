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
from condlab.theory.formula import theorem
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


def _share(stem: str) -> Callable:
    def formula(depth: int, keys: str, printed: int) -> tuple:
        added, other = resnet_share(depth, keys, stem)
        share = balls.arb(10_000 * added) / other
        return abs(share - printed), balls.arb(1) / 2

    return formula


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


def _batch_free(x, W1, W2, W3, B, groups) -> tuple:  # type: ignore[no-untyped-def]
    together = associate(x, W1, W2, W3, B, groups)
    other = np.concatenate([x[:1], 3 * x[1:] + 1, x[1:]])
    return balls.equal(together[0], associate(other, W1, W2, W3, B, groups)[0])


def _without_prediction(x, W1, W2, W3, B, groups) -> tuple:  # type: ignore[no-untyped-def]
    y = associate(x, W1, W2, W3, B, groups, predict=False)
    return balls.equal(y, B[0][:, None] * group_norm(x, groups) + B[1][:, None])


def _zero_decoders(offset: float) -> Callable:
    def formula(x, W1, W2, W3, B, groups) -> tuple:  # type: ignore[no-untyped-def]
        y = associate(x, W1, 0 * W2, 0 * W3, B, groups)
        weight = B[0] + balls.arb(offset)
        expected = weight[:, None] * group_norm(x, groups) + B[1][:, None]
        return balls.equal(y, expected)

    return formula


def _biased(size: int) -> st.SearchStrategy:
    return st.tuples(images(2, size, 2), strategies.vectors(size))


def _bias_free(norm: Callable) -> Callable:
    return lambda x, b: balls.equal(norm(x + b[:, None]), norm(x))


def _pairs(x: balls.Balls) -> balls.Balls:
    channels = x.shape[1]
    return group_norm(x, channels // 2 if channels % 2 == 0 else 1)


def _rms(x: balls.Balls) -> balls.Balls:
    return example_norm(x, centred=False)


def _rows(size: int) -> strategies.Matrices:
    """Draw one channel of a batch, shape (1, size)."""
    return st.one_of(strategies.small_integers(1, size), strategies.graded(1, size))


def _undo(x: balls.Balls, of: balls.Balls) -> balls.Balls:
    """Return batch norm of x with the scale and shift that undo that of another."""
    gamma = balls.sqrt(variance(of)[0] + EPS)
    return gamma * standardise(x) + mean(of)[0]


THEOREMS = (
    theorem(
        "an-params",
        "On ResNets for ImageNet the three matrices of AssocNorm, with N = 32 group "
        "keys or N = C instance keys and an embedding of length N / 16, add the "
        "printed share of parameters, to its last digit.",
        ASSOCIATE.at("Table 4"),
        _table_4,
        _share("imagenet"),
        latex=r"100 \, \frac{\sum 3 N M}{P} = \text{Table 4}",
        note="The source does not give the embedding's length; this one reproduces all "
        "ten cells. The size is the table's column: ResNet-18, 34, 50, 101, 152.",
    ),
    theorem(
        "an-params-cifar",
        "On the ResNets for CIFAR that the experiments use the same matrices add the "
        "printed share of parameters.",
        ASSOCIATE.at("Table 4"),
        _table_4,
        _share("cifar"),
        latex=r"100 \, \frac{\sum 3 N M}{P_{CIFAR}} = \text{Table 4}",
        note="False in every column: without ImageNet's head the base is smaller. The "
        "table was not computed on the networks of the experiments.",
        false_from=1,
    ),
    theorem(
        "an-batch-free",
        "The output of AssocNorm for an example does not depend on the other examples "
        "of the batch.",
        ASSOCIATE.at("section 3"),
        _predictors,
        _batch_free,
        latex=r"y(x_1, X')_1 = y(x_1, X'')_1",
    ),
    theorem(
        "an-reduces-to-gn",
        "AssocNorm without its predicted part is group normalisation with scale "
        "B_omega and shift B_beta.",
        ASSOCIATE.at("section 3.2 and eq. 6"),
        _predictors,
        _without_prediction,
        latex=r"B_\omega x_s + B_\beta = \mathrm{GN}(x)",
    ),
    theorem(
        "an-reduces-to-gn-zero-decoders",
        "AssocNorm with zero decoders is group normalisation with scale B_omega and "
        "shift B_beta.",
        ASSOCIATE.at("eqs 5 and 6"),
        _predictors,
        _zero_decoders(0.0),
        latex=r"W_2 = W_3 = 0 \Rightarrow y = B_\omega x_s + B_\beta",
        note="The sigmoid of zero is 1/2: the scale is too large by that, and 3/2 at "
        "the start.",
        false_from=1,
    ),
    theorem(
        "an-reduces-to-gn-zero-decoders-corrected",
        "AssocNorm with zero decoders is group normalisation with scale B_omega + 1/2 "
        "and shift B_beta.",
        ASSOCIATE.at("eqs 5 and 6"),
        _predictors,
        _zero_decoders(0.5),
        latex=r"W_2 = W_3 = 0 \Rightarrow y = (B_\omega + 1/2) x_s + B_\beta",
    ),
    *(
        theorem(
            f"norm-bias-free-{name}",
            f"A bias for each channel before {words} changes nothing.",
            source,
            _biased,
            _bias_free(norm),
            latex=r"N(x + b \, e^T) = N(x)",
            note=note,
            false_from=false_from,
        )
        for name, words, source, norm, note, false_from in (
            (
                "batch",
                "batch norm",
                IOFFE_SZEGEDY.at("section 3.2"),
                batch_norm,
                "",
                None,
            ),
            (
                "instance",
                "instance norm",
                NORMALIZATION_SURVEY.at("Batch normalization"),
                lambda x: group_norm(x, x.shape[1]),
                "",
                None,
            ),
            (
                "layer",
                "layer norm over channels and positions",
                NORMALIZATION_SURVEY.at("Batch normalization"),
                example_norm,
                "Its mean is one for all channels, so that only what they have in "
                "common is lost; one channel has nothing else.",
                2,
            ),
            (
                "group",
                "group norm with channels in pairs",
                NORMALIZATION_SURVEY.at("Batch normalization"),
                _pairs,
                "An odd number of channels is one group. A group of one channel is "
                "instance norm, before which a bias changes nothing.",
                2,
            ),
            (
                "rms",
                "RMS norm over channels and positions",
                RMS_NORM.at("section 4"),
                _rms,
                "It subtracts no mean.",
                1,
            ),
        )
    ),
    theorem(
        "norm-bn-identity",
        "The scale sqrt(var + eps) and the shift mean of a batch undo its batch norm "
        "exactly.",
        IOFFE_SZEGEDY.at("section 3"),
        _rows,
        lambda x: balls.equal(_undo(x, x), x),
        latex=r"\sqrt{\sigma^2 + \epsilon} \, \mathrm{BN}(x) + \mu = x",
    ),
    theorem(
        "norm-bn-identity-every-batch",
        "The scale and shift that undo batch norm on one batch undo it on every other.",
        IOFFE_SZEGEDY.at("section 3"),
        lambda n: st.tuples(_rows(n), _rows(n)),
        lambda x, other: balls.equal(_undo(x, other), x),
        latex=r"\sqrt{\sigma_Z^2 + \epsilon} \, \mathrm{BN}(x) + \mu_Z = x",
        note="In training the output's mean is the shift whatever the batch's was.",
        false_from=1,
    ),
    theorem(
        "norm-family-layer-group",
        "Layer norm over channels and positions is group norm with one group.",
        GROUP_NORM.at("section 3.1"),
        lambda n: images(2, n, 2),
        lambda x: balls.equal(example_norm(x), group_norm(x, 1)),
        latex=r"\mathrm{LN}(x) = \mathrm{GN}_1(x)",
    ),
    theorem(
        "norm-family-instance-group",
        "Instance norm is group norm with one channel a group, and batch norm of the "
        "example alone.",
        GROUP_NORM.at("section 3.1"),
        lambda n: images(2, n, 2),
        lambda x: balls.equal(
            group_norm(x, x.shape[1]),
            np.concatenate([batch_norm(example[None]) for example in x]),
        ),
        latex=r"\mathrm{IN}(x) = \mathrm{GN}_C(x) = \mathrm{BN}(\{x\})",
    ),
    theorem(
        "norm-family-rms-layer",
        "RMS norm is layer norm on input of mean zero.",
        RMS_NORM.at("section 3"),
        lambda n: images(1, n, 2),
        lambda x: balls.equal(
            _rms(x - x.sum() / x.size), example_norm(x - x.sum() / x.size)
        ),
        latex=r"\mathrm{RMS}(x - \bar x) = \mathrm{LN}(x - \bar x)",
    ),
)
