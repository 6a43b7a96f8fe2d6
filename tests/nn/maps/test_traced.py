"""Every map goes through torch's compilers and tracers whole, with its derivative."""

import copy
import io

import pytest
import torch
from torch import nn

from condlab.nn import WEIGHT_METHODS, normalise_weights

LAYERS = {
    "linear": (lambda: nn.Linear(4, 4), (2, 4)),
    "grouped": (lambda: nn.Conv2d(4, 4, 1, groups=2), (2, 4, 3, 3)),
    "transposed": (lambda: nn.ConvTranspose1d(4, 4, 1), (2, 4, 5)),
}
CASES = [
    (method, name)
    for method in WEIGHT_METHODS
    for name in LAYERS
    if method != "orthogonal" or name == "linear"
]

# Compiling takes a second or two: one layer in both modes, another in training.
COMPILED = [
    (method, name, training)
    for method, name in CASES
    for training in (True, False)
    if name == "linear" or (name == "transposed" and training)
]


def made(method: str, name: str, *, training: bool) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    return normalise_weights(make(), method).train(training), torch.randn(shape)


# Torch 2.13's compiler makes an object of the polar factor's custom function.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize(("method", "name", "training"), COMPILED)
def test_compiled_whole_with_the_same_values_and_gradients(method, name, training):
    layer, x = made(method, name, training=training)
    twin = copy.deepcopy(layer)
    torch._dynamo.reset()
    compiled = torch.compile(twin, backend="eager", fullgraph=True)
    for model in (layer, compiled):
        model(x).square().sum().backward()
    torch.testing.assert_close(compiled(x), layer(x))
    for a, b in zip(layer.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-5)
    torch._dynamo.reset()


# Torch's own `orthogonal` looks at sizes, of which the tracer warns.
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("method", "name"), CASES)
def test_traced_in_eval_mode_saved_and_loaded(method, name):
    layer, x = made(method, name, training=False)
    with torch.no_grad():
        expected = layer(x)  # and a weight is kept, which is no part of the graph
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(layer, x), file)
    file.seek(0)
    torch.testing.assert_close(torch.jit.load(file)(2 * x / 2), expected)


@pytest.mark.parametrize(("method", "name", "training"), COMPILED)
def test_exported_program_has_the_same_values(method, name, training):
    layer, x = made(method, name, training=training)
    program = torch.export.export(copy.deepcopy(layer), (x,))
    torch.testing.assert_close(program.module()(x), layer(x))
