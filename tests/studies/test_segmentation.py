"""Pixels with classes: scenes, DeepLabv3, mean IoU, PASCAL VOC's layout."""

import copy
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from studies import models, segmentation
from studies.data import composites, load, voc
from studies.engine.options import Options
from studies.models.deeplab import dilate
from studies.tasks.confusion import class_accuracy, confusion, mean_iou, pixel_loss
from tests.studies.stand_ins import write_voc


def counted_iou(truth, found, classes):
    """Return the mean over classes by counting pixels one at a time."""
    shares = []
    for c in range(classes):
        known = [(t, f) for t, f in zip(truth, found, strict=True) if t != 255]
        both = sum(t == c and f == c for t, f in known)
        either = sum(t == c or f == c for t, f in known)
        if either:
            shares.append(Fraction(both, either))
    return sum(shares) / len(shares)


@pytest.mark.parametrize("seed", range(5))
def test_mean_iou_is_that_of_counting_pixels(seed):
    rng = np.random.default_rng(seed)
    truth = torch.from_numpy(rng.choice([0, 1, 2, 5, 255], (4, 6, 5)))
    logits = torch.from_numpy(rng.normal(size=(4, 7, 6, 5)))
    logits[:, 4] = -100  # neither there nor found
    pieces = list(zip(logits.split(3), truth.split(3), strict=True))
    expected = counted_iou(
        truth.flatten().tolist(), logits.argmax(1).flatten().tolist(), 7
    )
    assert mean_iou(pieces)["miou"] == pytest.approx(float(expected), rel=1e-15)


def test_perfect_labels_have_an_iou_of_one_and_wrong_ones_of_zero():
    truth = torch.tensor([[0, 1, 2]])
    right = torch.eye(3)[truth].movedim(-1, 1)
    assert mean_iou([(right, truth)]) == {"miou": 1.0}
    assert mean_iou([(right.roll(1, 1), truth)]) == {"miou": 0.0}


def test_class_accuracy_weighs_classes_alike():
    labels = torch.tensor([0] * 9 + [1])
    found = class_accuracy([(torch.tensor([[1.0, 0.0]]).expand(10, 2), labels)])
    assert found == {"accuracy": pytest.approx(0.9), "class_accuracy": 0.5}
    counts = confusion([(torch.tensor([[1.0, 0.0]]).expand(10, 2), labels)])
    assert counts.tolist() == [[9, 0], [1, 0]]


def test_the_loss_of_a_batch_is_the_mean_of_its_images_ignored_pixels_and_all():
    labels = torch.randint(0, 3, (4, 5, 5))
    labels[1] = 255
    labels[2, :3] = 255
    logits = torch.randn(4, 3, 5, 5)
    whole = pixel_loss(lambda x: x, (logits, labels))
    alone = [
        pixel_loss(lambda x: x, (logits[i : i + 1], labels[i : i + 1]))
        for i in range(4)
    ]
    torch.testing.assert_close(whole, torch.stack(alone).mean())
    assert alone[1] == 0


def strided(norm="none"):
    torch.manual_seed(0)
    net = models.resnet20(width=4, norm=norm)
    return nn.Sequential(net.stem, net.stages).double()


@pytest.mark.parametrize("stride", [1, 2])
def test_dilated_features_are_the_strided_ones_at_their_places(stride):
    coarse, fine = strided(), strided()
    dilate(fine, stride)
    x = torch.randn(2, 3, 17, 17, dtype=torch.float64)
    every = 4 // stride
    between, at = fine(x), coarse(x)
    assert between.shape[2:] == (16 // stride + 1,) * 2
    torch.testing.assert_close(between[:, :, ::every, ::every], at)


def test_an_encoder_that_is_not_dilated_is_left_as_it_is():
    net = strided()
    twin = copy.deepcopy(net)
    dilate(twin, 4)
    x = torch.randn(1, 3, 9, 9, dtype=torch.float64)
    assert torch.equal(net(x), twin(x))


def test_a_stride_that_a_network_has_not_is_refused():
    with pytest.raises(ValueError, match="of stride 16 need a network that halves"):
        dilate(strided(), 16)


def test_deeplabs_size_is_the_published_ones():
    """Of ResNet-101 without its head, five branches, merge and classifier, by hand."""
    net = segmentation.network(
        replace(segmentation.PAPER, arm="BN"), segmentation.Shape(3, 513, 21)
    )
    encoder = 44_549_160 - (2048 * 1000 + 1000)  # torchvision's count, less its head
    pyramid = 2 * 2048 * 256 + 3 * 9 * 2048 * 256 + 5 * 256 * 256 + 6 * 2 * 256
    assert sum(p.numel() for p in net.parameters()) == encoder + pyramid + 257 * 21


def test_the_classifier_of_pixels_is_not_standardized():
    config = replace(segmentation.Config(), arm="GN+WS")
    net = segmentation.network(config, segmentation.Shape(3, 17, 11))
    plain = [n for n, m in net.named_modules() if isinstance(m, nn.Conv2d)
             and not hasattr(m, "parametrizations")]  # fmt: skip
    assert plain == []
    assert type(net.head) is nn.Linear


def test_scenes_say_of_every_pixel_what_is_seen_there():
    digits = torch.full((10, 1, 8, 8), 0, dtype=torch.uint8)
    behind = torch.full((3, 3, 32, 32), 128, dtype=torch.uint8)
    scenes, labels = composites.compose(digits, torch.arange(10), behind, 50, seed=0)
    changed = (scenes.int() - 128).abs().amax(1) > 0
    assert bool(changed[labels > 0].all())
    for scene, label in zip(scenes.float(), labels, strict=True):
        classes = set(label.unique().tolist()) - {0, 255}
        assert len(classes) == 1
        (own,) = classes
        assert scene[:, label == own].std(dim=1).max() < 20  # one colour, but its rim
        assert int((label == own).sum()) > 20


def test_scenes_are_drawn_alike_again_and_others_for_another_seed():
    parts = load("digits"), load("textures")
    arguments = (parts[0].train_inputs, parts[0].train_labels, parts[1].train_inputs, 5)
    first, second = (composites.compose(*arguments, seed=0) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], composites.compose(*arguments, seed=1)[0])


def test_no_digit_to_test_with_is_trained_on():
    made = composites.scenes("digits_on_textures")
    assert len(made.train_labels) == composites.COUNTS[0]
    assert set(made.train_labels.unique().tolist()) == {*range(11), 255}
    assert made.num_classes == 11


def test_unknown_scenes_are_refused():
    with pytest.raises(ValueError, match="the scenes are digits_on_textures, mnist_on"):
        composites.scenes("coco")


@pytest.fixture
def files(tmp_path):
    write_voc(tmp_path)
    return tmp_path


def test_vocs_masks_are_palette_indices_and_rims_are_ignored(files):
    train, test = voc.read(files)
    assert (len(train.images), len(test.images)) == (3, 2)
    pixels, labels = train.read([0, 1], 40)
    assert pixels.shape == (2, 3, 40, 40)
    assert pixels.dtype == torch.uint8
    with Image.open(train.masks[0]) as mask:
        width, height = mask.size
        expected = np.asarray(mask)
    assert np.array_equal(labels[0, :height, :width], expected)
    assert bool((labels[0, height:] == 255).all())
    assert set(labels[0, :height, :width].unique().tolist()) == {0, 1, 255}


def test_crops_move_images_and_masks_together(files):
    """The red of a picture is its mask's class: so it must be in every crop."""
    train, _ = voc.read(files)
    generator = torch.Generator().manual_seed(0)
    pixels, labels = train.read([0] * 20, 24, generator)
    inner = (labels != 255) & (labels > 0)
    assert int(inner.sum()) > 200
    assert float(pixels[:, 0][inner].float().mean()) > 150
    assert float(pixels[:, 0][labels == 0].float().mean()) < 90
    same = train.read([0] * 20, 24, torch.Generator().manual_seed(0))
    assert torch.equal(same[0], pixels)
    assert torch.equal(same[1], labels)


def test_more_annotations_are_used_where_they_are(files):
    root = files / "VOCdevkit" / "VOC2012"
    (root / "SegmentationClassAug").mkdir()
    (root / "ImageSets/Segmentation/trainaug.txt").write_text("2007_000001\n")
    source = root / "SegmentationClass" / "2007_000001.png"
    grey = Image.fromarray(np.asarray(Image.open(source)))  # of bytes, no palette
    grey.save(root / "SegmentationClassAug" / "2007_000001.png")
    train, _ = voc.read(files)
    assert len(train.images) == 1
    assert 1 in train.read([0], 40)[1]


def damage(root, kind):
    mask = root / "SegmentationClass" / "2007_000001.png"
    if kind == "colours":
        Image.open(mask).convert("RGB").save(mask)
    elif kind == "size":
        Image.fromarray(np.zeros((3, 3), np.uint8)).save(mask)
    elif kind == "class":
        Image.fromarray(np.full((20, 30), 21, np.uint8)).save(mask)
    elif kind == "bytes":
        mask.write_bytes(b"no png")
    elif kind == "missing":
        mask.unlink()
    elif kind == "empty":
        (root / "ImageSets/Segmentation/train.txt").write_text("")
    elif kind == "list":
        (root / "ImageSets/Segmentation/val.txt").unlink()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("colours", "must hold a class a pixel.* its mode is RGB"),
        ("size", r"must have the size of its image, \(30, 20\), got \(3, 3\)"),
        ("class", "must hold classes, 0 to 20, or 255 for none, got 21"),
        ("bytes", "is no image"),
        ("missing", "2007_000001.png is missing, which .*train.txt names"),
        ("empty", "must name images, one a line; it is empty"),
        ("list", "val.txt is missing"),
    ],
)
def test_damaged_folders_are_told_of(files, kind, message):
    damage(files / "VOCdevkit" / "VOC2012", kind)
    with pytest.raises((ValueError, OSError), match=message):
        voc.read(files)[0].read([0], 24)


def test_another_folder_is_told_of(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder JPEGImages"):
        voc.read(tmp_path)
    task = replace(segmentation.Config(), data="voc")
    with pytest.raises(ValueError, match="say with --data where JPEGImages"):
        segmentation.task(task, Options("smoke"))
