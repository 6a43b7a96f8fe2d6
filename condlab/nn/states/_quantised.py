"""Which tensors of a state dict are codes of quantised weights, or scales of such.

Codes are no weights before they are multiplied by their scales, and scales are none at
all. They are told by their types, and by names beside each other: those of GPTQ and AWQ
(qweight, qzeros, scales), bitsandbytes (weight, SCB; weight.absmax), compressed-tensors
(weight_packed, weight_scale), HQQ (W_q, scale, zero), block-wise float8 (weight,
weight_scale_inv) and MXFP4 (x_blocks, x_scales).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

CODES = re.compile(r"^(.*?)(qweight|W_q|weight_packed|qdata|[^.]*_blocks)$")
SCALES = re.compile(
    r"^(.*?)[._:]?(?:weight_|q)?(scales?|scale_inv|scale_2|SCB|absmax|quant_map|zeros?"
    r"|zero_points?|global_scale|scale_and_zero)$"
)
EIGHT = ("float8", "F8_")  # as torch names its types, and safetensors its own
PLAIN = ("float", "bfloat16", "F64", "F32", "F16", "BF16", "int64", "I64", "bool", "BO")


def quantised(dtypes: Mapping[str, str]) -> dict[str, str]:
    """Return why tensors are no weights, of those that are codes or scales.

    Parameters
    ----------
    dtypes : mapping of str to str
        Names of all tensors, of any number of axes, to their types.

    Examples
    --------
    >>> quantised({"0.weight": "int8", "0.SCB": "float32"})["0.weight"]
    'holds codes, of which 0.SCB has the scales; dequantise it first'
    """
    found: dict[str, str] = {}
    for name in dtypes:
        match = SCALES.match(name)
        codes = match and _codes_of(match[1].rstrip("."), dtypes)
        if not match or not codes or codes == name:
            continue
        found[name] = f"holds scales of the quantised {codes}"
        if match[2] not in ("zero", "zeros", "zero_point", "zero_points"):
            found[codes] = (
                f"holds codes, of which {name} has the scales; dequantise it first"
            )
    return found


def _codes_of(stem: str, dtypes: Mapping[str, str]) -> str:
    """Return the tensor of codes that what has this stem may be the scales of."""
    dot = f"{stem}." if stem else ""
    tries = (
        stem,
        f"{dot}weight",
        f"{stem}_blocks",
        *(f"{dot}{name}" for name in ("qweight", "W_q", "weight_packed", "qdata")),
        *(f"{dot}{name}qdata" for name in ("_weight_", "weight_", "weight:")),
    )
    for name in tries:
        if name in dtypes and (CODES.match(name) or not _is_plain(dtypes[name])):
            return name
    return ""


def _is_plain(dtype: str) -> bool:
    """Tell whether a type is of weights, or of indices, and not of codes."""
    return dtype.startswith(PLAIN) and not dtype.startswith(EIGHT)
