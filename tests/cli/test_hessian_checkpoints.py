"""`condlab hessian --checkpoint`: weights from a file, or a series of them."""

import json

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from condlab.cli import main
from condlab.curvature import HessianOperator, example, make_loss
from condlab.nn import condition

FACTORIES = """
from condlab.curvature import example
from condlab.nn import condition

def net():
    return example("regression")

def conditioned():
    net, criterion, batches = example("mlp")
    return condition(net), criterion, batches

def frozen():
    net, criterion, batches = example("mlp")
    return condition(net, frozen=True, every=None), criterion, batches
"""


@pytest.fixture
def run(capsys):
    def call(*arguments):
        assert main(["hessian", *map(str, arguments)]) == 0
        return capsys.readouterr().out

    return call


@pytest.fixture
def factories(tmp_path, monkeypatch):
    (tmp_path / "more_nets.py").write_text(FACTORIES)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize("nested", [False, True])
def test_checkpoint_replaces_the_weights(run, factories, tmp_path, nested):
    net, _, _ = example("regression")
    state = {name: torch.zeros_like(p) for name, p in net.state_dict().items()}
    torch.save({"model": state} if nested else state, tmp_path / "net.pt")
    options = ("--checkpoint", tmp_path / "net.pt", "--json")
    record = json.loads(run("more_nets:net", *options))
    # where all weights are zero only the last bias is curved: the mean of (b - y)^2
    assert record["lambda_max"]["lower"] == pytest.approx(2)


def test_checkpoint_with_code_is_not_run(capsys, tmp_path):
    torch.save(torch.nn.Linear(1, 1), tmp_path / "module.pt")
    options = ["--checkpoint", str(tmp_path / "module.pt")]
    assert main(["hessian", "example:mlp", *options]) == 2
    assert "is no checkpoint of tensors alone" in capsys.readouterr().err


@pytest.fixture
def checkpoints(tmp_path):
    """Write weights of a network at its start, after some steps, and after more."""
    net, criterion, batches = example("mlp")
    inputs, targets = batches[0]
    paths, optimiser = [], torch.optim.SGD(net.parameters(), lr=0.2)
    for steps in (0, 20, 200):
        for _ in range(steps):
            optimiser.zero_grad()
            criterion(net(inputs), targets).backward()
            optimiser.step()
        paths.append(tmp_path / f"step-{steps}.pt")
        torch.save(net.state_dict(), paths[-1])
    return paths


def leading(path, k):
    """Return the largest eigenvalue at a checkpoint, and the leading eigenspace."""
    net, criterion, batches = example("mlp")
    net.load_state_dict(torch.load(path))
    params = dict(net.named_parameters())
    H = HessianOperator(make_loss(net, criterion), params, batches).dense().numpy()
    values, vectors = np.linalg.eigh(H)
    return values[-1], vectors[:, np.argsort(-abs(values))[:k]]


def test_series_follows_eigenvalues_and_eigenspaces(run, checkpoints):
    options = ("--leading", 2, "--json", "--checkpoint", *checkpoints)
    record = json.loads(run("example:mlp", *options))
    truth = [leading(path, 2) for path in checkpoints]
    rows = record["checkpoints"]
    assert [row["checkpoint"] for row in rows] == list(map(str, checkpoints))
    for row, (top, _) in zip(rows, truth, strict=True):
        assert row["lambda_max"]["lower"] <= top <= row["lambda_max"]["upper"]
    assert rows[0]["overlap"] == {"before": None, "first": None}
    for now, then, key in ((1, 0, "before"), (2, 1, "before"), (2, 0, "first")):
        found = rows[now]["overlap"][key]
        expected = np.square(truth[now][1].T @ truth[then][1]).sum() / 2
        assert found["value"] == pytest.approx(expected, abs=1e-6)
        assert found["lower"] <= expected <= found["upper"]
        assert found["upper"] - found["lower"] < 1e-3


def test_series_is_a_table_and_a_figure(run, checkpoints, tmp_path):
    path = tmp_path / "series.png"
    first, *_, last = checkpoints
    few = ("--checkpoint", first, first, last, "--figure", path, "--lr", 0.2)
    text = run("example:mlp", *few)
    head, *rows = text.split("\n\n")[1].splitlines()
    assert head.split()[:2] == ["checkpoint", "lambda_max"]
    assert len(rows) == 3
    assert rows[1].endswith("1.000")  # the same weights once more
    assert "1.000" in rows[1].split()
    assert "lambda_max has risen for certain" in text
    image = imread(path)
    parts = np.array_split(image[..., :3], 3)
    assert all((part.min(axis=2) < 0.5).mean() > 0.002 for part in parts)


def test_series_of_lanczos_certifies_no_angle(run, checkpoints):
    options = ("--method", "lanczos", "--products", 30, "--json")
    record = json.loads(run("example:mlp", "--checkpoint", *checkpoints[:2], *options))
    found = record["checkpoints"][1]["overlap"]["before"]
    assert (found["lower"], found["upper"]) == (0, 1)
    assert 0 < found["value"] < 1


def test_series_in_the_sphere_gauge_compares_tangents(run, factories, tmp_path):
    """Raw rows of other lengths are the same network."""
    net = condition(example("mlp")[0])
    torch.save(net.state_dict(), tmp_path / "one.pt")
    state = {n: 3 * p if "original" in n else p for n, p in net.state_dict().items()}
    torch.save(state, tmp_path / "longer.pt")
    files = [tmp_path / "one.pt", tmp_path / "longer.pt"]
    options = ("--gauge", "sphere", "--json", "--checkpoint", *files)
    rows = json.loads(run("more_nets:conditioned", *options))["checkpoints"]
    assert rows[1]["overlap"]["before"]["value"] == pytest.approx(1, abs=1e-9)
    tops = [row["lambda_max"]["lower"] for row in rows]
    assert tops[1] == pytest.approx(tops[0])


@pytest.mark.parametrize(
    ("saved", "model", "message"),
    [
        ("conditioned", "example:mlp", "call condlab.nn.condition before loading"),
        ("plain", "more_nets:conditioned", "before condlab.nn.condition"),
        ("conditioned", "more_nets:frozen", "in another way than the module's"),
        ("wrapped", "example:mlp", "begin with 'module.', those of a wrapped module"),
        ("other", "example:mlp", "it lacks 0.bias, 0.weight, 2.bias and 3 more"),
        ("wider", "example:mlp", "0.weight has shape (9, 8) there, and (12, 8)"),
    ],
)
def test_checkpoint_that_does_not_fit_says_what_to_do(
    capsys, factories, tmp_path, saved, model, message
):
    net, _, _ = example("mlp")
    state = net.state_dict()
    if saved == "conditioned":
        state = condition(net).state_dict()
    elif saved == "wrapped":
        state = {f"module.{name}": p for name, p in state.items()}
    elif saved == "other":
        state = {"w": torch.zeros(3)}
    elif saved == "wider":
        state["0.weight"] = torch.zeros(9, 8)
    torch.save(state, tmp_path / "net.pt")
    for more in ([], [str(tmp_path / "net.pt")]):  # alone, and in a series
        options = ["--checkpoint", str(tmp_path / "net.pt"), *more]
        assert main(["hessian", model, *options]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert message in err


def test_series_refuses_what_has_no_eigenvectors(capsys, checkpoints):
    options = ["--checkpoint", *map(str, checkpoints), "--method", "counted"]
    assert main(["hessian", "example:mlp", *options]) == 2
    assert "a series needs eigenvectors" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({1: torch.ones(2)}, "names must be strings, got 1"),
        ({"a": torch.ones(2, device="meta")}, "a must be a dense tensor"),
        ({"a": torch.ones(2).to_sparse()}, "got one that is sparse"),
    ],
)
def test_state_that_is_no_dict_of_plain_tensors_is_refused(
    capsys, tmp_path, state, message
):
    torch.save(state, tmp_path / "odd.pt")
    arguments = ["example:mlp", "--checkpoint", str(tmp_path / "odd.pt")]
    assert main(["hessian", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
