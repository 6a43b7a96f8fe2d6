"""Normalisation layers written out on balls, and the sizes of ResNets in integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from condlab.theory import balls

EPS = 1e-5


def mean(Z: balls.Balls) -> balls.Balls:
    """Return the mean of every row."""
    return Z.sum(axis=1) / Z.shape[1]


def variance(Z: balls.Balls) -> balls.Balls:
    """Return the biased variance of every row."""
    return mean((Z - mean(Z)[:, None]) * (Z - mean(Z)[:, None]))


def standardise(Z: balls.Balls, eps: float = EPS, centred: bool = True) -> balls.Balls:
    """Return rows divided by the root of their mean square, centred before or not."""
    if centred:
        Z = Z - mean(Z)[:, None]
    return Z / each(root, mean(Z * Z) + eps)[:, None]


def root(x: balls.Ball) -> balls.Ball:
    """Return the root of a ball or of a power series."""
    return balls.sqrt(x) if isinstance(x, balls.arb) else x.sqrt()


def group_norm(x: balls.Balls, groups: int) -> balls.Balls:
    """Return x of shape (N, C, P) standardised by groups of channels."""
    return standardise(x.reshape(len(x) * groups, -1)).reshape(x.shape)


def example_norm(x: balls.Balls, *, centred: bool = True) -> balls.Balls:
    """Return x of shape (N, C, P) standardised by examples: layer norm, or RMS norm."""
    rows = [standardise(example.reshape(1, -1), centred=centred) for example in x]
    return np.concatenate(rows).reshape(x.shape)


def batch_norm(x: balls.Balls) -> balls.Balls:
    """Return x of shape (N, C, P) standardised by channels."""
    y = standardise(x.swapaxes(0, 1).reshape(x.shape[1], -1))
    return y.reshape(x.shape[1], x.shape[0], x.shape[2]).swapaxes(0, 1)


def associate(
    x: balls.Balls,
    W1: balls.Balls,
    W2: balls.Balls,
    W3: balls.Balls,
    B: balls.Balls,
    groups: int,
    predict: bool = True,
) -> balls.Balls:
    """Return AssocNorm of x of shape (N, C, P), with a key for each channel.

    W1 is M x C, W2 and W3 are C x M; B holds the scale's and the shift's bias, 2 x C,
    which are all there is without the predicted part.
    """
    channels = x.reshape(-1, x.shape[2])
    means = mean(channels).reshape(x.shape[:2])
    variances = variance(channels).reshape(x.shape[:2])
    scale = each(_sigmoid, each(_relu, means @ W1.T) @ W2.T)
    shift = each(_tanh, each(_relu, variances @ W1.T) @ W3.T)
    scale, shift = predict * scale + B[0], predict * shift + B[1]
    return scale[:, :, None] * group_norm(x, groups) + shift[:, :, None]


def each(function: Callable, x: balls.Balls) -> balls.Balls:
    """Return an array of the function's values.

    Entry by entry, because NumPy takes lists of power series for more dimensions.
    """
    out = np.empty(x.shape, dtype=object)
    for index in np.ndindex(x.shape):
        out[index] = function(x[index])
    return out


def _relu(x: balls.Ball) -> balls.Ball:
    return balls.arb.max(x, balls.arb(0))


def _sigmoid(x: balls.Ball) -> balls.Ball:
    return 1 / (1 + (-x).exp())


def _tanh(x: balls.Ball) -> balls.Ball:
    return x.tanh()


BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}


def resnet_share(depth: int, keys: str, stem: str) -> tuple[int, int]:
    """Return the parameters of AssocNorm's matrices, and all others of the ResNet."""
    convolutions = list(_convolutions(depth, 7 if stem == "imagenet" else 3))
    classes = 1000 if stem == "imagenet" else 10
    width = 512 if depth < 50 else 2048
    other = sum(i * o * k * k + 2 * o for i, o, k in convolutions)
    other += (width + 1) * classes
    counts = (o if keys == "instance" else 32 for _, o, _ in convolutions)
    return sum(3 * n * (n // 16) for n in counts), other


def _convolutions(depth: int, stem: int) -> Iterator[tuple[int, int, int]]:
    """Yield inputs, outputs and side of each convolution, all with a norm after."""
    yield 3, 64, stem
    inputs = 64
    for stage, blocks in enumerate(BLOCKS[depth]):
        width = 64 * 2**stage
        outputs = width if depth < 50 else 4 * width
        for block in range(blocks):
            if depth < 50:
                yield from ((inputs, width, 3), (width, width, 3))
            else:
                yield from ((inputs, width, 1), (width, width, 3), (width, outputs, 1))
            if block == 0 and inputs != outputs:
                yield inputs, outputs, 1
            inputs = outputs
