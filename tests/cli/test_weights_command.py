"""`condlab weights`: any file of weights, one clear sentence for what is none."""

import csv
import io
import json
import struct

import pytest

torch = pytest.importorskip("torch")

from condlab.cli import main  # noqa: E402
from condlab.nn import open_state  # noqa: E402

NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
NAMES |= {torch.float64: "F64", torch.int8: "I8", torch.float8_e4m3fn: "F8_E4M3"}


def write(path, tensors, change=lambda header: header):
    """Write a safetensors file by the format's own description."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in tensors.items():
        raw = tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(change(header)).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def said(capsys, *argv):
    code = main(["weights", *map(str, argv)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def found(capsys, *argv):
    code, out, err = said(capsys, *argv, "--json")
    assert code == 0, err
    return json.loads(out)


W = torch.tensor([[3.0, 0.0], [0.0, 0.5]])


@pytest.mark.parametrize("dtype", NAMES, ids=str)
def test_safetensors_give_what_was_stored(tmp_path, dtype):
    path = write(tmp_path / "net.safetensors", {"a": W.to(dtype), "b.weight": W})
    state = open_state(path)
    torch.testing.assert_close(state["b.weight"], W, rtol=0, atol=0)
    if dtype != torch.int8:
        torch.testing.assert_close(
            state["a"].double(), W.to(dtype).double(), rtol=0, atol=0
        )


def test_sources_of_the_same_weights_have_the_same_rows(tmp_path, capsys, monkeypatch):
    state = {"fc.weight": W, "fc.bias": torch.zeros(2)}
    write(tmp_path / "net.safetensors", state)
    torch.save(state, tmp_path / "plain.pt")
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "nested.ckpt")
    optimiser = {"state": {0: {"exp_avg": W}}, "param_groups": []}
    deep = {"optimizer": optimiser, "nets": {"model": state}, "config": {"lr": 1.0}}
    torch.save(deep, tmp_path / "deep.pth")
    write(tmp_path / "one-of-1.safetensors", state)
    index = {"metadata": {}, "weight_map": dict.fromkeys(state, "one-of-1.safetensors")}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "made_here.py").write_text(
        "import torch\n"
        "def net():\n"
        "    net = torch.nn.Sequential()\n"
        "    net.fc = torch.nn.Linear(2, 2)\n"
        "    with torch.no_grad():\n"
        "        net.fc.weight.copy_(torch.tensor([[3.0, 0.0], [0.0, 0.5]]))\n"
        "    return net\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    sources = ["net.safetensors", "plain.pt", "nested.ckpt", "deep.pth"]
    sources = [tmp_path / name for name in sources]
    sources += [tmp_path / "model.safetensors.index.json", tmp_path, "made_here:net"]
    layers = [found(capsys, source)["layers"] for source in sources]
    assert all(rows == layers[0] for rows in layers)
    assert [row["name"] for row in layers[0]] == ["fc.weight"]
    assert layers[0][0]["kappa"] == pytest.approx(6)
    assert layers[0][0]["kappa_row"] == pytest.approx(1)


def test_directories_of_checkpoints_are_taken_in_order_of_their_steps(tmp_path, capsys):
    for step in (10, 9, 100):
        torch.save({"w": step * W}, tmp_path / f"step-{step}.pt")
    networks = found(capsys, tmp_path)["networks"]
    steps = [n["source"].rpartition("-")[2] for n in networks]
    assert steps == ["9.pt", "10.pt", "100.pt"]


def test_compare_says_which_layers_certainly_changed(tmp_path, capsys):
    worse = torch.tensor([[3.0, 0.0], [0.0, 0.1]])
    torch.save({name: W.clone() for name in "abc"}, tmp_path / "0.pt")
    torch.save({"a": worse, "b": W, "d": W.clone()}, tmp_path / "1.pt")
    code, out, _ = said(capsys, "--compare", tmp_path / "0.pt", tmp_path / "1.pt")
    assert code == 0
    assert "higher in 1 of 2 and lower in 0" in " ".join(out.split())
    assert "in A alone 1 matrices, in B alone 1" in out


def test_csv_and_globs(tmp_path, capsys):
    names = ("a.q", "a.k", "b.q")
    torch.save({name: W.clone() for name in names}, tmp_path / "net.pt")
    code, out, _ = said(capsys, tmp_path / "net.pt", "--csv", "--layers", "a.*")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["name"] for row in rows] == ["a.q", "a.k"]
    assert float(rows[0]["kappa"]) == pytest.approx(6)


def test_figure_is_drawn_and_not_replaced_unasked(tmp_path, capsys):
    torch.save({"a": W, "zero": torch.zeros(3, 3)}, tmp_path / "net.pt")
    drawn = tmp_path / "net.svg"
    assert said(capsys, tmp_path / "net.pt", "--figure", drawn)[0] == 0
    assert "<svg" in drawn.read_text()
    code, _, err = said(capsys, tmp_path / "net.pt", "--figure", drawn)
    assert (code, err.count("\n")) == (2, 1)
    assert "add --force" in err


def entry(**changes):
    return lambda header: header | {"w": header["w"] | changes}


LIES = {
    "an offset past the end": (entry(data_offsets=[0, 99]), "is cut off: w ends at"),
    "another shape": (
        entry(shape=[2, 3]),
        "takes 24 bytes, and its header gives",
    ),
    "a negative shape": (entry(shape=[-2, -2]), "must be integers from 0"),
    "a fraction of an entry": (entry(shape=[2.0, 2]), "must be integers from 0"),
    "offsets in reverse": (entry(data_offsets=[16, 0]), "must be integers from 0"),
    "one offset": (entry(data_offsets=[16]), "needs dtype, shape and two data_offsets"),
    "no dtype": (lambda h: {"w": {"shape": [2, 2]}}, "needs dtype, shape and two"),
    "a list": (lambda h: [h], "its header is not a JSON object"),
    "an unknown dtype": (entry(dtype="I4"), "is stored as I4, which may be codes"),
    "two tensors in one place": (lambda h: h | {"v": h["w"]}, "overlap in the file"),
}


@pytest.mark.parametrize(("change", "why"), LIES.values(), ids=LIES)
def test_headers_that_lie_get_one_sentence(tmp_path, capsys, change, why):
    path = write(tmp_path / "net.safetensors", {"w": W}, change)
    code, out, err = said(capsys, path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert why in err


@pytest.mark.parametrize("keep", [0, 5, 8, 20, -9, -1])
def test_cut_off_files_get_one_sentence(tmp_path, capsys, keep):
    path = write(tmp_path / "net.safetensors", {"w": W})
    path.write_bytes(path.read_bytes()[:keep])
    code, _, err = said(capsys, path)
    assert (code, err.count("\n")) == (2, 1)
    torch.save({"w": W}, tmp_path / "net.pt")
    whole = (tmp_path / "net.pt").read_bytes()
    (tmp_path / "net.pt").write_bytes(whole[: keep if keep >= 0 else len(whole) // 2])
    code, _, err = said(capsys, tmp_path / "net.pt")
    assert (code, err.count("\n")) == (2, 1)
    assert "is no whole checkpoint" in err or "holds more than" in err


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_programs_of_torchscript_get_one_sentence(tmp_path, capsys):
    torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(tmp_path / "net.pt")
    code, _, err = said(capsys, tmp_path / "net.pt")
    assert (code, err.count("\n")) == (2, 1)
    assert "is a program of TorchScript" in err


class Evil:
    def __reduce__(self):
        return (print, ("ran",))


HELD = {
    "a list": ([W], "holds list without a state dict"),
    "a tensor": (W, "holds Tensor without a state dict"),
    "an empty dict": ({}, "holds dict without a state dict"),
    "code": ({"w": Evil()}, "holds more than tensors"),
    "vectors": ({"w": torch.ones(3)}, "there is no matrix"),
    "nan": ({"w": W * float("nan")}, "w holds nan at (0, 0)"),
    "integers": ({"w": W.int()}, "w holds int32"),
    "meta": ({"w": W.to("meta")}, "meta device"),
    "complex": ({"w": W.to(torch.complex64)}, "w is complex"),
    "numbers for names": ({1: W}, "without a state dict of named tensors"),
}


@pytest.mark.parametrize(("held", "why"), HELD.values(), ids=HELD)
def test_checkpoints_without_weights_get_one_sentence(tmp_path, capsys, held, why):
    torch.save(held, tmp_path / "net.pt")
    code, out, err = said(capsys, tmp_path / "net.pt")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert why in err


INDICES = {
    "no map": ("{}", 'must be JSON with a "weight_map"'),
    "no JSON": ("{", 'must be JSON with a "weight_map"'),
    "a missing shard": (
        '{"weight_map": {"w": "x.safetensors"}}',
        "there is no such file",
    ),
    "a tensor elsewhere": ('{"weight_map": {"v": "s.safetensors"}}', "it does not"),
    "a shard of torch": ('{"weight_map": {"w": "x.bin"}}', "only shards in .saf"),
    "a path out": ('{"weight_map": {"w": "../s"}}', "must name files beside it"),
}


@pytest.mark.parametrize(("text", "why"), INDICES.values(), ids=INDICES)
def test_indices_that_lie_get_one_sentence(tmp_path, capsys, text, why):
    write(tmp_path / "s.safetensors", {"w": W})
    index = tmp_path / "m.index.json"
    index.write_text(text)
    code, _, err = said(capsys, index)
    assert (code, err.count("\n")) == (2, 1)
    assert why in err


USAGE = {
    "nothing": ([], "give one SOURCE"),
    "no file": (["no.pt"], "no.pt"),
    "another file": (["x.onnx"], "must be a file of weights"),
    "no module": (["nowhere:net"], "there is no module"),
    "no sizes": (["x.pt", "--operator", "axb"], "--operator needs sizes"),
    "no heads": (["x.pt", "--heads", "0"], "--heads must be at least 1"),
    "another figure": (["x.pt", "--figure", "x.txt"], "must be .png, .svg or .pdf"),
}


@pytest.mark.parametrize(("argv", "why"), USAGE.values(), ids=USAGE)
def test_bad_usage_gets_one_sentence(tmp_path, monkeypatch, capsys, argv, why):
    monkeypatch.chdir(tmp_path)
    code, out, err = said(capsys, *argv)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert why in err


JUNK = {
    "letters": b"junk",
    "nothing": b"",
    "text": b"epoch,loss\n1,0.5\n",
    "zeros": bytes(64),
    "GGUF": b"GGUF\x03\x00\x00\x00" + bytes(64),
    "a pickle that ends": b"\x80\x02}q",
    "a zip that ends": b"PK\x03\x04" + bytes(40),
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_junk_among_checkpoints_is_named_in_one_sentence(tmp_path, capsys, junk):
    torch.save({"a": torch.eye(3)}, tmp_path / "1.pt")
    (tmp_path / "2.pt").write_bytes(junk)
    code, out, err = said(capsys, tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{tmp_path / '2.pt'} is no whole checkpoint" in err


@pytest.mark.parametrize("old", [False, True])
def test_damage_anywhere_gives_weights_or_one_sentence(tmp_path, capsys, old):
    """What is flipped inside the weights cannot be told."""
    path, zipped = tmp_path / "net.pt", not old
    torch.save({"a": torch.eye(3)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 30)):
        for bytes_ in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
            path.write_bytes(bytes_)
            code, out, err = said(capsys, path, "--csv")
            assert (code, err.count("\n")) in ((0, 0), (2, 1)), err
            assert bool(out) == (code == 0)


def test_layers_of_other_shapes_are_not_compared(tmp_path, capsys):
    torch.save({"x": torch.eye(4), "y": torch.eye(3)}, tmp_path / "a.pt")
    torch.save({"x": torch.eye(5)[:, :4], "y": torch.eye(3)}, tmp_path / "b.pt")
    code, out, _ = said(capsys, "--compare", tmp_path / "a.pt", tmp_path / "b.pt")
    assert code == 0
    assert "0 of 1" in out
    assert "1 of another shape, as x, 4 x 4 in A and 5 x 4 in B" in out
    torch.save({"x": torch.eye(5)}, tmp_path / "b.pt")
    code, _, err = said(capsys, "--compare", tmp_path / "a.pt", tmp_path / "b.pt")
    assert code == 2
    assert "share no matrices of one shape and name" in err
