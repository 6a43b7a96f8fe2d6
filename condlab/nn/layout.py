"""How a layer's weight is seen as matrices whose rows are outputs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd


@dataclass(frozen=True, slots=True)
class Layout:
    """A weight seen as matrices: `groups` of them, joined along an axis, or a stack.

    Parameters
    ----------
    groups : int
        Of a convolution; 3 for attention's packed queries, keys and values; the
        number of gates of a recurrent layer.
    output_axis : {0, 1}
        The axis of the outputs; all others together are the inputs. It is 1 for
        transposed convolutions and Hugging Face's ``Conv1D``.
    blocks : tuple of str
        Names of the matrices where each stands for a layer of its own.
    stacked : bool
        Whether the first axis counts matrices, as of experts stored as one tensor of
        shape (experts, outputs, inputs); the other fields are of each of them.

    Examples
    --------
    >>> layout = Layout(groups=2)                    # a grouped 3 x 3 convolution
    >>> W = torch.zeros(8, 2, 3, 3)
    >>> layout.split(W).shape, layout.row_axes(W), layout.column_axes
    (torch.Size([2, 4, 2, 3, 3]), (2, 3, 4), (1,))
    >>> layout.matrix(W).shape
    torch.Size([8, 18])
    >>> Layout(stacked=True).matrices(torch.zeros(3, 8, 4)).shape  # three experts
    torch.Size([3, 8, 4])
    """

    groups: int = 1
    output_axis: int = 0
    blocks: tuple[str, ...] = ()
    stacked: bool = False

    @property
    def leading(self) -> int:
        """Return how many axes of a split weight come before those of a matrix."""
        return self.stacked + (self.groups > 1)

    def split(self, W: Tensor) -> Tensor:
        """Return a view of W with the groups, where there are several, in front."""
        if self.groups == 1:
            return W
        return W.unflatten(int(self.stacked), (self.groups, -1))

    def merge(self, B: Tensor) -> Tensor:
        """Undo `split`."""
        axis = int(self.stacked)
        return B if self.groups == 1 else B.flatten(axis, axis + 1)

    def row_axes(self, W: Tensor) -> tuple[int, ...]:
        """Return the axes of ``split(W)`` along which a row runs."""
        first = self.leading
        row = first + self.output_axis
        last = W.ndim + (self.groups > 1)
        return tuple(axis for axis in range(first, last) if axis != row)

    @property
    def column_axes(self) -> tuple[int, ...]:
        """Return the axes of a split weight along which a column runs."""
        return (self.leading + self.output_axis,)

    def row_shape(self, W: Tensor) -> tuple[int, ...]:
        """Return the shape of one number for each row, beside ``split(W)``."""
        along = self.row_axes(W)
        shape = self.split(W).shape
        return tuple(1 if axis in along else n for axis, n in enumerate(shape))

    def matrices(self, W: Tensor) -> Tensor:
        """Return the matrices of W, shape (groups, m, n), or (stack * groups, m, n)."""
        B = W.unflatten(int(self.stacked), (self.groups, -1))
        B = B.flatten(0, 1) if self.stacked else B
        return B.movedim(1 + self.output_axis, 1).flatten(2)

    def matrix(self, W: Tensor) -> Tensor:
        """Return W as one matrix whose rows are outputs, the groups' below each other.

        Rows of different groups read different inputs: as an operator, a grouped
        layer is the block-diagonal matrix of `matrices`.
        """
        return self.matrices(W).flatten(0, 1)

    def unmatrix(self, M: Tensor, shape: torch.Size) -> Tensor:
        """Return the weight of that shape whose `matrices` are M."""
        kernel = shape[2 + self.stacked :]
        inner = M.unflatten(2, (-1, *kernel)) if kernel else M
        return inner.movedim(1, 1 + self.output_axis).flatten(0, 1).reshape(shape)


Kinds = Mapping[type[nn.Module], Layout | Mapping[str, Layout]]


def layouts(layer: nn.Module, kinds: Kinds | None = None) -> dict[str, Layout]:
    """Return the layouts of a layer's weight matrices by the names of the tensors.

    A layer of a kind that is neither known nor given has none.

    Parameters
    ----------
    layer : torch.nn.Module
        Its children are not looked at.
    kinds : mapping of classes, optional
        Further kinds of layers, or other layouts of known ones: for a class, subclasses
        included, the layout of its ``weight``, or a mapping of tensor names to layouts.

    Returns
    -------
    dict of str to Layout
        An embedding is seen as it is stored, a row for each token, which is what an
        output layer tied to it sees too.

    Examples
    --------
    >>> layouts(nn.ConvTranspose2d(4, 6, 3, groups=2))
    {'weight': Layout(groups=2, output_axis=1, blocks=(), stacked=False)}
    >>> class Experts(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.up = nn.Parameter(torch.zeros(3, 8, 4))
    >>> list(layouts(Experts(), {Experts: {"up": Layout(stacked=True)}}))
    ['up']
    """
    for kind in type(layer).__mro__ if kinds else ():
        if kinds and kind in kinds:
            given = kinds[kind]
            return {"weight": given} if isinstance(given, Layout) else dict(given)
    if isinstance(layer, _ConvNd):
        return {"weight": Layout(layer.groups, int(layer.transposed))}
    if isinstance(layer, (nn.Linear, nn.Bilinear, nn.Embedding, nn.EmbeddingBag)):
        return {"weight": Layout()}
    if isinstance(layer, nn.MultiheadAttention):
        if layer._qkv_same_embed_dim:
            return {"in_proj_weight": Layout(groups=3, blocks=("q", "k", "v"))}
        return {f"{name}_proj_weight": Layout(blocks=(name,)) for name in "qkv"}
    if isinstance(layer, nn.RNNBase):
        names = [n for names in layer._all_weights for n in names]
        return {n: _gates(layer, n) for n in names if n.startswith("weight")}
    if isinstance(layer, nn.RNNCellBase):
        return {name: _gates(layer, name) for name in ("weight_ih", "weight_hh")}
    if _is_transposed_linear(layer):
        return {"weight": Layout(output_axis=1)}
    return {}


def _gates(layer: nn.RNNBase | nn.RNNCellBase, name: str) -> Layout:
    if "_hr" in name:  # the projection of an LSTM's output has no gates
        return Layout()
    return Layout(groups=getattr(layer, name).shape[0] // layer.hidden_size)


def _is_transposed_linear(layer: nn.Module) -> bool:
    """Tell whether the layer is the Conv1D of GPT-2, without importing transformers."""
    utils = sys.modules.get("transformers.pytorch_utils")
    return utils is not None and isinstance(layer, utils.Conv1D)
