"""What is claimed of equilibrated weights in training, as questions to the records."""

from __future__ import annotations

from studies.analysis.entries import Claim

# Arms that share a part of what E does, but not its effect on every kappa.
CONTROLS = (
    "E_first", "E_last", "E_hidden", "E_gain", "init_E", "init_E_all", "glorot",
    "spectral", "orthogonal", "WN",
)  # fmt: skip


# What a contradicted claim is shown beside: E where it can only act as a scale.
BESIDE = ("E_gain", "E_hidden")


EQUILIBRATION = "equilibration"


def faster(
    key: str,
    text: str,
    study: str = "",
    arm: str = "",
    than: str = "",
    kind: str = "",
    rate: float | None = None,
    method: str = EQUILIBRATION,
) -> Claim:
    """Return a claim; `kind` is that of the networks, where a study has several.

    `rate` is the learning rate of the source, where it names one that was tried, and
    `method` what the claim is about.
    """
    return {
        "key": key,
        "claim": text,
        "study": study,
        "kind": kind,
        "arm": arm,
        "than": than,
        "rate": rate,
        "method": method,
    }


# Of Saratchandran, Wang and Lucey (2024); `arm` is said to be faster than `than`.
CLAIMS = (
    faster(
        "figure-1-left",
        "At high learning rates E trains faster than batch norm alone",
        "high_learning_rate", "E", "plain", rate=2.0,
    ),
    faster(
        "figure-1-left-ws",
        "At high learning rates E trains faster than weight standardization",
        "high_learning_rate", "E", "WS", rate=2.0,
    ),
    faster(
        "table-1",
        "Inception: E trains faster than batch norm alone",
        "inception", "E", "plain",
    ),
    faster(
        "table-1-ws",
        "Inception: E trains faster than weight standardization",
        "inception", "E", "WS",
    ),
    faster(
        "table-1-w",
        "Inception: E trains faster than weight normalisation",
        "inception", "E", "WN",
    ),
    *(
        faster(key, f"DenseNet: E trains faster than {than}", "densenet", "E", arm)
        for key, than, arm in (
            ("table-2", "batch norm alone", "plain"),
            ("table-2-ws", "weight standardization", "WS"),
            ("table-2-w", "weight normalisation", "WN"),
        )
    ),
    faster(
        "table-3",
        "ViT: E trains faster than layer norm alone",
        "vit", "LN+E", "LN",
    ),
    faster(
        "table-3-all",
        "ViT: E in every layer, embedding and head too, trains faster than layer norm",
        "vit", "E_all", "LN",
    ),
    faster(
        "table-3-w",
        "ViT: E trains faster than weight normalisation",
        "vit", "LN+E", "LN+W",
    ),
    faster(
        "table-4", "NeRF: E trains faster than plain weights", "nerf", "E_all", "plain"
    ),
    faster(
        "supplement-3d", "3D shapes, ReLU: E trains faster than plain weights",
        "shapes", "E_all", "plain", "relu",
    ),
    faster(
        "supplement-3d-gaussian",
        "3D shapes, Gaussians: E trains faster than plain weights",
        "shapes", "E_all", "plain", "gaussian",
    ),
    faster(
        "supplement-3d-sine", "3D shapes, sines: E trains faster than plain weights",
        "shapes", "E_all", "plain", "sine",
    ),
    faster(
        "theory",
        "Small networks: E trains faster than plain weights",
        "small_networks", "E", "plain",
    ),
)  # fmt: skip
OTHERS = (
    faster(
        "control",
        "Quadratics: Jacobi scaling makes gradient descent faster (positive control)",
        "quadratics",
        "jacobi",
        "plain",
    ),
    faster("table-3-imagenet", "ViT-B on ImageNet: E reaches the best accuracy"),
)
