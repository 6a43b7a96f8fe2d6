"""The studies' networks: published sizes, every normalisation, and NeRF's rendering."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from condlab.nn import NORMS, renormalise_
from studies import models
from studies.models.densenet import densenet121, densenet_cifar
from studies.models.inception import BLOCKS

SMALL = {"width": 8}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def size(build):
    with torch.device("meta"):
        return sum(p.numel() for p in build().parameters())


IMAGENET = {"num_classes": 1000, "stem": "imagenet"}


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        (lambda: models.resnet18(**IMAGENET), 11_689_512),
        (lambda: models.resnet34(**IMAGENET), 21_797_672),
        (lambda: models.resnet50(**IMAGENET), 25_557_032),
        (lambda: models.resnet101(**IMAGENET), 44_549_160),
        (lambda: models.resnet152(**IMAGENET), 60_192_808),
        (lambda: models.resnext50(**IMAGENET), 25_028_904),
        (lambda: models.resnext101(**IMAGENET), 44_177_704),
        (lambda: models.resnet18(), 11_173_962),
        (lambda: models.resnet50(), 23_520_842),
        (lambda: models.vit_base(), 86_567_656),
        (lambda: models.vit_small(), 22_050_664),
        (lambda: models.vit_tiny(), 5_717_416),
        (lambda: models.NeRF(), 595_844),
        (lambda: densenet121(), 7_978_856),
        (lambda: densenet_cifar(100, 12, bottleneck=True), 769_162),
        (lambda: models.Inception(blocks=tuple(BLOCKS)), 6_166_250),
        (lambda: models.Inception(), 6_166_250 - 1_127_808),  # without block 4e
    ],
)
def test_networks_have_their_published_numbers_of_parameters(build, parameters):
    assert size(build) == parameters


@pytest.mark.parametrize(
    ("depth", "growth", "bottleneck", "millions"),
    [(40, 12, False, 1.0), (100, 12, True, 0.8), (250, 24, True, 15.3)],
)
def test_densenets_have_the_sizes_of_their_papers_table_2(
    depth, growth, bottleneck, millions
):
    found = size(lambda: densenet_cifar(depth, growth, bottleneck=bottleneck))
    assert round(found / 1e6, 1) == millions


def test_every_one_of_resnet_50s_layers_is_counted_in_its_name():
    with torch.device("meta"):
        net = models.resnet50(**IMAGENET)
    weights = [
        p for n, p in net.named_parameters() if p.ndim > 1 and "shortcut" not in n
    ]
    assert len(weights) == 50


@pytest.mark.parametrize("name", sorted(NORMS["images"]))
@pytest.mark.parametrize(
    "build",
    [
        lambda norm: models.resnet20(norm=norm, width=8),
        lambda norm: models.Inception(norm=norm, width=1 / 16, blocks=("3a", "4a")),
        lambda norm: densenet_cifar(10, 4, norm=norm),
    ],
    ids=["resnet", "inception", "densenet"],
)
def test_image_networks_train_a_step_with_every_normalisation(build, name):
    net = build(name)
    trains_a_step(net, torch.randn(4, 3, 16, 16))


@pytest.mark.parametrize("name", sorted(NORMS["tokens"]))
@pytest.mark.parametrize("placement", ["pre", "post"])
@pytest.mark.parametrize("qk_norm", [None, "layer", "rms", "cosine"])
def test_transformers_train_a_step_with_every_normalisation(name, placement, qk_norm):
    net = models.ViT(
        image_size=8, patch=4, num_classes=10, dim=16, depth=2, heads=2, norm=name,
        placement=placement, qk_norm=qk_norm,
    )  # fmt: skip
    trains_a_step(net, torch.randn(4, 3, 8, 8))


@pytest.mark.parametrize("name", sorted(NORMS["vectors"]))
@pytest.mark.parametrize(
    "build",
    [
        lambda norm: models.MLP(3, 10, norm=norm, width=8),
        lambda norm: models.CoordinateMLP(3, 10, norm=norm, width=8),
    ],
    ids=["mlp", "coordinate"],
)
def test_vector_networks_train_a_step_with_every_normalisation(build, name):
    trains_a_step(build(name), torch.randn(16, 3))


def trains_a_step(net, x):
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-3)
    for _ in range(2):  # the zero head of a transformer stops the first gradient
        optimiser.zero_grad()
        logits = net(x)
        nn.functional.cross_entropy(logits, torch.arange(len(x)) % 10).backward()
        optimiser.step()
    learned = [p for p in net.parameters() if p.requires_grad]
    assert logits.shape == (len(x), 10)
    assert all(p.grad is not None for p in learned)
    assert all(bool(p.grad.isfinite().all()) for p in learned)
    assert all(bool(p.isfinite().all()) for p in learned)


def test_a_normalisation_can_be_a_function_of_the_channels():
    net = models.resnet20(width=8, norm=lambda c: nn.GroupNorm(4, c))
    assert sum(isinstance(m, nn.GroupNorm) for m in net.modules()) == 1 + 18 + 2


def test_convolutions_have_a_bias_only_without_a_normalisation():
    with_, without = models.resnet20(**SMALL), models.resnet20(norm="none", **SMALL)
    for net, expected in ((with_, False), (without, True)):
        convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
        assert all((m.bias is not None) is expected for m in convolutions)


def test_the_imagenet_stem_divides_the_image_by_32():
    net = models.resnet18(10, stem="imagenet", width=8)
    features = net.stages(net.stem(torch.randn(1, 3, 64, 64)))
    assert features.shape == (1, 64, 2, 2)


def test_a_transformer_is_torchs_own_encoder_layer():
    block = models.ViT(
        image_size=8, patch=4, num_classes=10, dim=16, depth=1, heads=2
    ).blocks[0].eval()  # fmt: skip
    peer = nn.TransformerEncoderLayer(
        16, 2, 64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).eval()
    peer.self_attn.in_proj_weight = block.attention.qkv.weight
    peer.self_attn.in_proj_bias = block.attention.qkv.bias
    peer.self_attn.out_proj = block.attention.out
    peer.linear1, _, peer.linear2 = block.mlp
    peer.norm1, peer.norm2 = block.norm1, block.norm2
    x = torch.randn(3, 5, 16)
    assert_close(block(x), peer(x))


def test_the_normalised_transformer_stays_on_the_sphere():
    net = models.SphereViT(
        image_size=8, patch=4, num_classes=10, dim=16, depth=2, heads=2
    )
    trains_a_step(net, torch.randn(4, 3, 8, 8))
    renormalise_(net)
    assert_close(net.embed.weight.norm(dim=0), torch.ones(48))


def test_sine_networks_start_with_activations_of_siren():
    net = models.CoordinateMLP(2, 1, width=256, depth=6, activation="sine")
    for layer in net.layers:
        if isinstance(layer, nn.Linear):  # the theorem has no biases
            nn.init.zeros_(layer.bias)
    with torch.no_grad():
        x = 2 * torch.rand(4096, 2) - 1
        for layer in net.layers[:-1]:
            before, x = x, layer(x)
    # Theorem 1.8 of Sitzmann et al. with normal arguments: their variance v obeys
    # v = 1 - exp(-2 v), whose solution is 0.797; five layers of 256 scatter about it.
    assert abs(float((30 * before).var()) - 0.797) < 0.08
    assert abs(float(x.var()) - 0.797 / 2) < 0.04


def test_activations_are_their_formulas():
    x = torch.linspace(-1, 1, 9)
    gaussian = models.CoordinateMLP(activation="gaussian", deviation=0.3).layers[2]
    assert_close(gaussian(x), torch.exp(-(x**2) / (2 * 0.09)))
    sine = models.CoordinateMLP(activation="sine", omega=7.0).layers[2]
    assert_close(sine(x), torch.sin(7 * x))
