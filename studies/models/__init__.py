"""The studies' networks, every normalisation selectable by name."""

from studies.models.coordinate import CoordinateMLP
from studies.models.deeplab import DeepLab
from studies.models.densenet import DenseNet, densenet121, densenet_cifar
from studies.models.dgcnn import DGCNN
from studies.models.inception import Inception
from studies.models.language import LanguageModel
from studies.models.mlp import MLP
from studies.models.nerf import NeRF, render_rays
from studies.models.resnet import (
    ResNet,
    resnet8,
    resnet18,
    resnet20,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    resnext50,
    resnext101,
)
from studies.models.tsm import TSM
from studies.models.vit import SphereViT, ViT, vit_base, vit_small, vit_tiny

__all__ = [
    "DGCNN",
    "MLP",
    "TSM",
    "CoordinateMLP",
    "DeepLab",
    "DenseNet",
    "Inception",
    "LanguageModel",
    "NeRF",
    "ResNet",
    "SphereViT",
    "ViT",
    "densenet121",
    "densenet_cifar",
    "render_rays",
    "resnet8",
    "resnet18",
    "resnet20",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50",
    "resnext101",
    "vit_base",
    "vit_small",
    "vit_tiny",
]
