"""Claims about normalisation layers: biases that they ignore, and which equals which.

Formulas of the layers are written out on balls, those of `vocabulary.layers`. One
channel has no other to differ from.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Balls, Sides
from condlab.theory.claims.networks.normalization_layers import images
from condlab.theory.formula import claim
from condlab.theory.references.networks import (
    GROUP_NORM,
    IOFFE_SZEGEDY,
    NORMALIZATION_SURVEY,
    RMS_NORM,
)
from condlab.theory.strategies import st
from condlab.theory.vocabulary.layers import (
    EPS,
    batch_norm,
    example_norm,
    group_norm,
    mean,
    standardise,
    variance,
)


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
