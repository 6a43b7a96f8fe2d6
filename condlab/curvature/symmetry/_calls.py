"""Which layers a loss calls, in what order, and which norm reads which output."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from condlab.curvature.evaluation.backends import differentiable
from condlab.curvature.operators._over_parameters import AtPoint
from condlab.nn.selection import layer_modules

NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm)


@dataclass(frozen=True, slots=True)
class Calls:
    """The layers in the order in which the first batch has called them.

    Parameters
    ----------
    order : list of str
        Names of layers, once for each call.
    norms : dict of str to Module
        For a layer whose output is, as it is, the input of a normalisation, that one.
    means : list of int
        Numbers, from 1, of the calls that take a mean over features off.
    """

    order: list[str]
    norms: dict[str, nn.Module]
    means: list[int]

    @classmethod
    def of(cls, H: AtPoint, module: nn.Module) -> Calls:
        """Return the calls of the loss behind an operator."""
        order: list[str] = []
        norms: dict[str, nn.Module] = {}
        means: list[int] = []
        made: dict[
            int, tuple[str, Tensor]
        ] = {}  # the output too, so that ids stay apart

        def before(name: str, layer: nn.Module, inputs: tuple[object, ...]) -> None:
            order.append(name)
            if isinstance(layer, nn.LayerNorm):
                means.append(len(order))  # its number, from 1
            if isinstance(layer, NORMS) and inputs and id(inputs[0]) in made:
                norms[made[id(inputs[0])][0]] = layer

        def after(name: str, output: object) -> None:
            if isinstance(output, Tensor):
                made.setdefault(id(output), (name, output))

        handles = []
        for name, layer in layer_modules(module):
            handles += [
                layer.register_forward_pre_hook(
                    lambda m, x, name=name: before(name, m, x)
                ),
                layer.register_forward_hook(
                    lambda _m, _x, y, name=name: after(name, y)
                ),
            ]
        try:
            with differentiable():
                H.point.loss(H.point.leaves, H.point.data.first)
        finally:
            for handle in handles:
                handle.remove()
        return cls(order, norms, means)

    def what_follows(self, layer: str) -> str:
        """Return what may not see a shift of all of a layer's outputs.

        A layer that is never called, as attention's last one, belongs to one that is.
        """
        while layer and layer not in self.order:
            layer = layer.rpartition(".")[0]
        last = max((i for i, name in enumerate(self.order) if name == layer), default=0)
        later = any(place > last + 1 for place in self.means)
        return "layer norm shift" if later else "softmax shift"
