"""`condlab hessian` prints what the library finds, and one line for bad input."""

import importlib
import json
import math
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from condlab.cli import main
from condlab.curvature import HessianOperator, example, make_loss

FACTORIES = """
from collections import UserDict
import torch
from condlab.curvature import example
from condlab.nn import condition

def attentive():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.look = torch.nn.MultiheadAttention(2, 1, batch_first=True)
            self.head = torch.nn.Linear(2, 2)
        def forward(self, x):
            return self.head(self.look(x, x, x, need_weights=False)[0].mean(1))
    torch.manual_seed(0)
    x = torch.randn(5, 3, 2, dtype=torch.float64)
    net = Net().double()
    return net, torch.nn.CrossEntropyLoss(), [(x, torch.arange(5) % 2)]

class Named(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.net, self.kind = example("mlp")[0], kind
    def forward(self, pixels):
        z = self.net(pixels)
        return {"dict": {"logits": z}, "tuple": (z, pixels)}[self.kind]

def named(kind):
    _, criterion, batches = example("mlp")
    key = {"dict": "logits", "tuple": 0}[kind]
    return (
        Named(kind),
        lambda z, y: criterion(z[key], y),
        [(UserDict(pixels=x), y) for x, y in batches],
    )

def gives_dict():
    return named("dict")

def gives_tuple():
    return named("tuple")

def conditioned():
    net, criterion, batches = example("mlp")
    return condition(net), criterion, batches

def pair():
    return 1, 2

def broken():
    raise RuntimeError("no data")

def mismatched():
    net, criterion, batches = example("mlp")
    return net, lambda z, y: z.logits.mean(), batches

def second_fails():
    net, criterion, batches = example("mlp")
    return net, criterion, [*batches, (batches[0][0][:, :1], batches[0][1])]

class NoWayBack(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()
    @staticmethod
    def backward(ctx, slope):
        raise AttributeError("no way back")

def no_backward():
    net, criterion, batches = example("mlp")
    return net, lambda z, y: criterion(NoWayBack.apply(z), y), batches

def empty():
    net, criterion, _ = example("mlp")
    return net, criterion, []

value = 3
"""


@pytest.fixture
def run(capsys):
    def call(*arguments):
        assert main(["hessian", *map(str, arguments)]) == 0
        return capsys.readouterr().out

    return call


@pytest.fixture
def factories(tmp_path, monkeypatch):
    (tmp_path / "some_nets.py").write_text(FACTORIES)
    monkeypatch.syspath_prepend(str(tmp_path))


def dense(name):
    net, criterion, batches = example(name)
    params = dict(net.named_parameters())
    return HessianOperator(make_loss(net, criterion), params, batches).dense()


@pytest.mark.parametrize("options", [[], ["--method", "lanczos", "--products", "40"]])
def test_json_brackets_what_lapack_finds(run, options):
    record = json.loads(run("example:regression", "--json", *options))
    values = np.linalg.eigvalsh(dense("regression").numpy())
    kappa = abs(values).max() / abs(values).min()
    found = record["kappa"]
    assert found["lower"] <= kappa <= float(found["upper"])
    assert math.isinf(float(found["upper"])) == bool(options)
    spread = record["density"]
    truth = np.searchsorted(values, spread["x"], side="right") / len(values)
    away = np.abs(np.subtract.outer(spread["x"], values)).min(axis=1) > 1e-9
    for low, share, high in np.transpose([spread["lower"], truth, spread["upper"]])[
        away
    ]:
        assert low <= share <= high


def test_table_counts_softmax_shifts_and_holds_sharpness_against_the_step(run):
    text = run("example:mlp", "--lr", 100)
    assert "13 softmax shift" in text
    assert "2/lr = 0.02000: above" in " ".join(text.split())
    assert "below" in run("example:mlp", "--lr", 0.1)


def test_one_factorisation_says_what_is_probable_and_three_what_is_certain(run):
    text = run("example:regression", "--method", "factored")
    assert "kappa off null directions is below" in text
    record = json.loads(run("example:regression", "--method", "counted", "--json"))
    assert record["kappa"]["upper"] < 1.01 * record["kappa"]["lower"]


def test_key_bias_of_attention_is_predicted(run, factories):
    record = json.loads(run("some_nets:attentive", "--json"))
    assert record["null_sources"]["key bias"] == 2
    assert record["null_sources"]["softmax shift"] == 3


def test_sphere_gauge_is_that_of_the_conditioned_rows(run):
    few = ("--method", "lanczos", "--products", 9, "--probes", 1)
    options = ("--gauge", "sphere", *few, "--json")
    record = json.loads(run("example:mlp-conditioned", *options))
    rows = 12 + 12 + 4
    assert (record["gauge"], record["size"]) == ("sphere", record["parameters"] - rows)


@pytest.mark.parametrize("method", ["exact", "lanczos"])
def test_figure_is_an_image_with_all_its_parts(run, tmp_path, method):
    path = tmp_path / "spectrum.png"
    text = run("example:regression", "--method", method, "--figure", path)
    assert f"wrote {path}" in text
    image = imread(path)
    parts = np.array_split(image[..., :3], 3)
    assert all((part.min(axis=2) < 0.5).mean() > 0.002 for part in parts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mlp"], "a model is module:factory"),
        (["example:resnet"], "an example is one of mlp, "),
        (["no_such_module:net"], "there is no module 'no_such_module'"),
        (["some_nets:missing"], "some_nets has no function 'missing'"),
        (["some_nets:value"], "some_nets has no function 'value'"),
        (["some_nets:broken"], "some_nets:broken() fails: RuntimeError: no data"),
        (["some_nets:mismatched"], "on its first batch fails: AttributeError"),
        (["some_nets:empty"], "must give at least one batch, got none"),
        (["some_nets:pair"], "must return (module, criterion, batches)"),
        (["some_nets:no_backward"], "fails: AttributeError: no way back"),
        (["some_nets:second_fails"], "fails: RuntimeError: mat1 and mat2 shapes"),
        (["example:mlp", "--checkpoint", "none.pt"], "there is no checkpoint none.pt"),
        (["example:mlp", "--checkpoint", __file__], "is no checkpoint of tensors"),
        (["example:mlp", "--lr", "0"], "--lr must be positive"),
        (["example:mlp", "--probes", "0"], "--probes must be at least 1"),
        (["example:mlp", "--products", "1"], "num_matvecs must be at least 3"),
        (["example:mlp", "--figure", "a.txt"], "--figure must end in .png"),
        (["example:mlp", "--figure", "no/a.png"], "there is no directory no"),
        (["example:mlp", "--gauge", "sphere"], "and the model has none"),
        (["example:mlp", "--device", "abacus"], "--device must name a device"),
        (["example:mlp", "--interior", "-1"], "--interior must be at least 0"),
        (["example:mlp", "--leading", "2"], "needs two checkpoints or more, got 0"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(capsys, factories, arguments, message):
    assert main(["hessian", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


@pytest.mark.parametrize("options", [[], ["--method", "lanczos", "--products", "20"]])
def test_figure_and_json_come_from_one_decomposition(
    run, tmp_path, monkeypatch, options
):
    """One assembly, or one Lanczos run; the density's probes are products alone."""
    calls = {"dense": 0, "lanczos": 0, "exact": 0}
    module = importlib.import_module("condlab.curvature.condition_number")

    def counted(name, inner):
        def call(*arguments, **keywords):
            calls[name] += 1
            return inner(*arguments, **keywords)

        return call

    dense = counted("dense", HessianOperator.dense)
    monkeypatch.setattr(HessianOperator, "dense", dense)
    for name in ("lanczos", "exact"):
        monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    monkeypatch.setattr("condlab.curvature.examination.gauss_newton", refuse)
    options = ["--json", "--figure", tmp_path / "spectrum.svg", *options]
    record = json.loads(run("example:regression", *options))
    by_lanczos = len(options) > 3
    assert calls == {
        "dense": not by_lanczos,
        "lanczos": by_lanczos,
        "exact": not by_lanczos,
    }
    n = record["parameters"]
    assert len(record["ritz"]["values"]) == (n if not by_lanczos else 18)
    assert record["products"] <= (22 if by_lanczos else n + 4)


def refuse(*_arguments):
    raise ValueError("not now")


def test_what_keeps_the_gauss_newton_matrix_away_is_said(run, monkeypatch):
    monkeypatch.setattr("condlab.curvature.examination.gauss_newton", refuse)
    assert "no Gauss-Newton matrix: not now" in run("example:regression")
    assert json.loads(run("example:regression", "--json"))["gauss_newton"] is None


@pytest.mark.parametrize("kind", ["dict", "tuple"])
def test_structured_outputs_and_mappings_give_the_same_table(run, factories, kind):
    plain = json.loads(run("example:mlp", "--json"))
    named = json.loads(run(f"some_nets:gives_{kind}", "--json"))
    for end in ("lower", "upper"):
        expected = pytest.approx(plain["lambda_max"][end])
        assert named["lambda_max"][end] == expected
    assert named["null_sources"] == plain["null_sources"] == {"softmax shift": 13}


def test_backend_is_the_one_asked_for_and_changes_nothing(run):
    records = [
        json.loads(run("example:mlp", "--backend", name, "--device", "cpu", "--json"))
        for name in ("auto", "rebuilt", "forward")
    ]
    assert records[1]["backend"] == "rebuilt graph"
    assert records[2]["backend"] == "forward over reverse"
    assert {record["device"] for record in records} == {"cpu"}
    tops = [record["lambda_max"]["lower"] for record in records]
    assert tops == pytest.approx(tops[:1] * 3, rel=1e-12)


def test_without_torch_the_extra_is_named(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["hessian", "example:mlp"]) == 2
    assert "pip install 'condlab[torch]'" in capsys.readouterr().err


def test_parameters_that_do_not_train_are_held(run, factories, tmp_path):
    (tmp_path / "held.py").write_text(
        "from some_nets import *\n"
        "def make():\n"
        "    net, criterion, batches = conditioned()\n"
        "    net[0].requires_grad_(False)\n"
        "    return net, criterion, batches\n"
    )
    record = json.loads(run("held:make", "--json"))
    assert record["parameters"] == 12 * 13 + 4 * 13
    sphere = json.loads(run("held:make", "--json", "--gauge", "sphere"))
    assert sphere["size"] == record["parameters"] - 16
