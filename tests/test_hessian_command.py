"""`condlab hessian` prints what the library finds, and one line for bad input."""

import json
import math

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from condlab.cli import main
from condlab.curvature import HessianOperator, example, make_loss

FACTORIES = """
import torch
from condlab.curvature import example

def net():
    return example("regression")

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

def pair():
    return 1, 2

def broken():
    raise RuntimeError("no data")

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


@pytest.mark.parametrize("nested", [False, True])
def test_checkpoint_replaces_the_weights(run, factories, tmp_path, nested):
    net, _, _ = example("regression")
    state = {name: torch.zeros_like(p) for name, p in net.state_dict().items()}
    torch.save({"model": state} if nested else state, tmp_path / "net.pt")
    options = ("--checkpoint", tmp_path / "net.pt", "--json")
    record = json.loads(run("some_nets:net", *options))
    # where all weights are zero only the last bias is curved: the mean of (b - y)^2
    assert record["lambda_max"]["lower"] == pytest.approx(2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mlp"], "a model is module:factory"),
        (["example:resnet"], "an example is one of mlp, "),
        (["no_such_module:net"], "there is no module 'no_such_module'"),
        (["some_nets:missing"], "some_nets has no function 'missing'"),
        (["some_nets:value"], "some_nets has no function 'value'"),
        (["some_nets:broken"], "some_nets:broken() fails: RuntimeError: no data"),
        (["some_nets:pair"], "must return (module, criterion, batches)"),
        (["example:mlp", "--checkpoint", "none.pt"], "there is no checkpoint none.pt"),
        (["example:mlp", "--checkpoint", __file__], "is no checkpoint of tensors"),
        (["example:mlp", "--lr", "0"], "--lr must be positive"),
        (["example:mlp", "--probes", "0"], "--probes must be at least 1"),
        (["example:mlp", "--products", "1"], "num_matvecs must be at least 3"),
        (["example:mlp", "--figure", "a.txt"], "--figure must end in .png"),
        (["example:mlp", "--figure", "no/a.png"], "there is no directory no"),
        (["example:mlp", "--gauge", "sphere"], "and the model has none"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(capsys, factories, arguments, message):
    assert main(["hessian", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_checkpoint_with_code_is_not_run(capsys, tmp_path):
    torch.save(torch.nn.Linear(1, 1), tmp_path / "module.pt")
    options = ["--checkpoint", str(tmp_path / "module.pt")]
    assert main(["hessian", "example:mlp", *options]) == 2
    assert "is no checkpoint of tensors alone" in capsys.readouterr().err
