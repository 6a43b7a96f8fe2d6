"""A causal language model: the decoder of Radford et al. (2019, GPT-2), of any size."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from studies.models._norms import Norm, norm_factory
from studies.models.vit import Block

DEVIATION = 0.02  # of weights and positions at the start


class LanguageModel(nn.Module):
    """Symbols, learned positions, causal pre-norm blocks, a last norm, linear head.

    The embedding is a linear layer of one-hot vectors, so that it is the first matrix
    of the network, as the head, which is not tied to it, is the last.

    Parameters
    ----------
    symbols : int
        How many different ones there are.
    context : int
        How many the model sees at a time, at most.
    dim, depth, heads : int
        Width, blocks and heads.
    mlp_ratio : float
        Width of the MLPs over `dim`.
    norm : str or callable
        See `norm_factory`, layout "tokens".

    Examples
    --------
    >>> net = LanguageModel(27, context=16, dim=8, depth=1, heads=2)
    >>> net(torch.zeros((3, 16), dtype=torch.long)).shape
    torch.Size([3, 16, 27])
    """

    def __init__(
        self,
        symbols: int,
        *,
        context: int = 64,
        dim: int = 128,
        depth: int = 5,
        heads: int = 4,
        mlp_ratio: float = 4.0,
        norm: Norm = "layer",
    ):
        super().__init__()
        layer, hidden = norm_factory(norm, "tokens"), round(mlp_ratio * dim)
        self.symbols, self.context = symbols, context
        self.embed = nn.Linear(symbols, dim, bias=False)
        self.positions = nn.Parameter(DEVIATION * torch.randn(context, dim))
        self.blocks = nn.Sequential(
            *(Block(dim, heads, hidden, layer, causal=True) for _ in range(depth))
        )
        self.norm = layer(dim)
        self.head = nn.Linear(dim, symbols, bias=False)
        _init(self, depth)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of what follows each of the symbols x.

        Parameters
        ----------
        x : Tensor of int64, shape (N, T)
            Of at most `context` symbols each.

        Returns
        -------
        Tensor, shape (N, T, symbols)
            Those at t depend on the symbols up to t alone.

        Raises
        ------
        ValueError
            If there are more.
        """
        length = x.shape[1]
        if length > self.context:
            raise ValueError(
                f"the model sees {self.context} symbols at a time, got {length}; cut "
                "the text"
            )
        seen = one_hot(x, self.symbols).to(self.positions.dtype)
        return self.head(
            self.norm(self.blocks(self.embed(seen) + self.positions[:length]))
        )


def _init(model: LanguageModel, depth: int) -> None:
    # As in GPT-2, what adds to the shortcut is smaller the more of it there is.
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            adds = name.endswith(("attention.out", "mlp.2"))
            deviation = DEVIATION / math.sqrt(2 * depth) if adds else DEVIATION
            nn.init.normal_(module.weight, std=deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
