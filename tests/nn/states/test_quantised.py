"""Codes and scales of quantised weights are left out, and said to be such."""

import json
import struct

import pytest
import torch
from torch import nn

from condlab.nn import layer_table, open_state
from condlab.nn.states._quantised import quantised

W = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
F8 = torch.float8_e4m3fn


def ints(*shape, dtype=torch.int32):
    return torch.ones(shape, dtype=dtype)


SCHEMES = {
    "GPTQ": {
        "l.qweight": ints(32, 64),
        "l.qzeros": ints(4, 8),
        "l.scales": torch.rand(4, 64),
        "l.g_idx": ints(256),
    },
    "bitsandbytes, 8 bits": {
        "l.weight": W.to(torch.int8),
        "l.SCB": torch.rand(6, 1).expand(6, 2),
    },
    "bitsandbytes, 4 bits": {
        "l.weight": ints(12, 2, dtype=torch.uint8),
        "l.weight.absmax": torch.rand(3, 3),
        "l.weight.quant_map": torch.rand(4, 4),
    },
    "float8 in blocks": {
        "l.weight": torch.ones(8, 8).to(F8),
        "l.weight_scale_inv": torch.rand(2, 2),
    },
    "float8, one scale": {"weight": W.to(F8), "weight_scale": torch.tensor(0.1)},
    "compressed tensors": {
        "l.weight_packed": ints(8, 8),
        "l.weight_scale": torch.rand(8, 2),
        "l.weight_zero_point": ints(8, 2, dtype=torch.int8),
    },
    "HQQ": {
        "l.W_q": ints(8, 8, dtype=torch.uint8),
        "l.scale": torch.rand(8, 2),
        "l.zero": torch.rand(8, 2),
    },
    "torchao": {"l._weight_qdata": W.char(), "l._weight_scale": torch.rand(6, 2)},
    "MXFP4": {
        "e.up_blocks": ints(2, 6, 4, dtype=torch.uint8),
        "e.up_scales": ints(2, 6, dtype=torch.uint8),
    },
}
SAFE = {
    torch.int32: "I32",
    torch.int8: "I8",
    torch.uint8: "U8",
    F8: "F8_E4M3",
    torch.float32: "F32",
}


def written(path, state):
    """Write a safetensors file by its format."""
    header, data = {}, b""
    for name, tensor in state.items():
        raw = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": SAFE[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


@pytest.mark.parametrize("place", ["dict", "safetensors", "checkpoint"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_only_the_plain_weight_is_measured(scheme, place, tmp_path):
    state = {**SCHEMES[scheme], "plain.weight": W}
    if place == "safetensors":
        given = open_state(written(tmp_path / "m.safetensors", state))
    elif place == "checkpoint":
        torch.save(state, tmp_path / "m.pt")
        given = open_state(tmp_path / "m.pt")
    else:
        given = state
    table = layer_table(given)
    assert [row.name for row in table] == ["plain.weight"]
    left = dict(table.left_out)
    matrices = {n for n, t in SCHEMES[scheme].items() if t.ndim > 1}
    assert matrices <= set(left)
    assert any("dequantise it first" in why for why in left.values())


def test_scales_without_codes_are_weights_like_others():
    for name in ("l.scale", "scales", "weight_scale", "l.zero", "zeros"):
        assert quantised({name: "float32", "l.weight": "float32"}) == {}
        assert [row.name for row in layer_table({name: W, "l.weight": W + 1})] == [
            name,
            "l.weight",
        ]


def test_indices_are_no_codes():
    assert quantised({"ids": "int64", "ids_scale": "float32"}) == {}


def test_module_with_codes_is_like_its_file():
    layer = nn.Linear(4, 6, bias=False)
    layer.weight = nn.Parameter(W.to(F8), requires_grad=False)
    layer.weight_scale_inv = nn.Parameter(torch.rand(3, 2))
    net = nn.Sequential(layer, nn.Linear(6, 3))
    table = layer_table(net)
    assert [row.name for row in table] == ["1.weight"]
    assert {name for name, _ in dict(table.left_out).items()} == {
        "0.weight",
        "0.weight_scale_inv",
    }


ODD = {
    "exponents": (lambda: torch.ones(4, 4).to(torch.float8_e8m0fnu), "float8_e8m0fnu"),
    "packed": (
        lambda: ints(4, 4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2),
        "float4",
    ),
    "nested": (lambda: torch.nested.nested_tensor([W, W[:2]]), "several shapes"),
    "jagged": (
        lambda: torch.nested.nested_tensor([W, W[:2]], layout=torch.jagged),
        "several shapes",
    ),
    "csr": (lambda: W.to_sparse_csr(), "is sparse; use .to_dense()"),
    "coo": (lambda: W.to_sparse(), "is sparse; use .to_dense()"),
    "mkldnn": (lambda: W.to_mkldnn(), "mkldnn; use .to_dense()"),
    "meta": (lambda: W.to("meta"), "meta device"),
    "complex": (lambda: W.cfloat(), "is complex"),
    "bool": (lambda: W > 0, "holds bool"),
    "nan": (lambda: W * float("nan"), "holds nan"),
    "empty": (lambda: W[:0], "no entries"),
}


@pytest.mark.filterwarnings("ignore:.*prototype:UserWarning")
@pytest.mark.filterwarnings("ignore:.*beta state:UserWarning")
@pytest.mark.parametrize(("make", "why"), ODD.values(), ids=ODD)
def test_tensor_without_entries_to_measure_is_left_out_with_its_reason(make, why):
    table = layer_table({"odd": make(), "W": W})
    assert [row.name for row in table] == ["W"]
    assert why in dict(table.left_out)["odd"]


class Elsewhere(torch.Tensor):
    """As torchao's tensors are: a type and a shape, and the entries in others."""

    @staticmethod
    def __new__(cls, codes):
        return torch.Tensor._make_wrapper_subclass(cls, codes.shape)

    def __tensor_flatten__(self):
        return ["codes"], None

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise NotImplementedError(func)


def test_entries_kept_elsewhere_are_none():
    table = layer_table({"a": Elsewhere(W), "b": Elsewhere(W), "W": W})
    assert [row.name for row in table] == ["W"]
    left = dict(table.left_out)
    assert all("Elsewhere, which keeps its entries elsewhere" in left[n] for n in "ab")


def test_state_dicts_in_dicts_and_lists_are_found(tmp_path):
    nested = {"epoch": 3, "nets": [{"w": W}, {"w": W + 1}], "ema": {"w": W + 2, 0: W}}
    torch.save(nested, tmp_path / "m.pt")
    for given in (nested, open_state(tmp_path / "m.pt")):
        names = [row.name for row in layer_table(given)]
        assert names == ["nets.0.w", "nets.1.w", "ema.w"]
