"""One name for each way to normalise weights, and the others by which it is known."""

from __future__ import annotations

OTHER_NAMES = {
    "wn": "weight_norm",
    "weight_normalisation": "weight_norm",
    "weight_normalization": "weight_norm",
    "ws": "standardize",
    "weight_standardisation": "standardize",
    "weight_standardization": "standardize",
    "sws": "scaled_standardize",
    "scaled_ws": "scaled_standardize",
    "cwn": "centered_weight_norm",
    "centred_weight_norm": "centered_weight_norm",
    "own": "orthogonal_weight_norm",
    "sn": "spectral",
    "spectral_norm": "spectral",
    "pc": "polynomial",
    "pc_layer": "polynomial",
}

OF_TORCH = {
    "_WeightNorm": "weight_norm",
    "_SpectralNorm": "spectral",
    "_Orthogonal": "orthogonal",
}


def one_spelling(method: str) -> str:
    """Return the name condlab uses for a method, or what was given if it is unknown.

    Examples
    --------
    >>> one_spelling("row-column"), one_spelling("WN"), one_spelling("else")
    ('row_column', 'weight_norm', 'else')
    """
    if not isinstance(method, str):
        return method
    plain = method.strip().lower().replace("-", "_").replace(" ", "_")
    return OTHER_NAMES.get(plain, plain)


def name_of(map_: object) -> str:
    """Return the name of a parametrization: condlab's, or that of its class."""
    kind = type(map_).__name__
    return getattr(map_, "method", OF_TORCH.get(kind, kind.strip("_")))
