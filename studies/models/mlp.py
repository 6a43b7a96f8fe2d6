"""Fully connected networks."""

from __future__ import annotations

from torch import Tensor, nn

from studies.models._norms import Norm, norm_factory


class MLP(nn.Module):
    """Linear layers with a normalisation and an activation between them.

    Parameters
    ----------
    inputs, outputs : int
        Of the whole network.
    width, depth : int
        Of the hidden layers, and how many there are; 0 is a linear model.
    norm : str or callable
        See `norm_factory`, layout "vectors"; before each activation. Hidden layers
        have a bias only under "none".
    activation : callable
        Returns the activation's layer: torch.nn.ReLU, Tanh, Softplus, ...
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 64,
        depth: int = 2,
        norm: Norm = "none",
        activation: type[nn.Module] = nn.ReLU,
    ):
        super().__init__()
        layer = norm_factory(norm, "vectors")
        self.layers = nn.Sequential()
        for _ in range(depth):
            self.layers.append(nn.Linear(inputs, width, bias=norm == "none"))
            self.layers.append(layer(width))
            self.layers.append(activation())
            inputs = width
        self.layers.append(nn.Linear(inputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return shape (N, outputs) for x of shape (N, ...), flattened."""
        return self.layers(x.flatten(1))
