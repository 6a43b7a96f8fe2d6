"""Data sets of a few images each, in the formats of their publishers."""

import math
import struct

import numpy as np
from PIL import Image

from studies.data import cifar

RNG = np.random.default_rng(0)
SYNSETS = ("n01440764", "n01443537", "n01484850")
SIZES = ((40, 60), (60, 40), (50, 50), (300, 20))


def images(n):
    return RNG.integers(256, size=(n, 3, 32, 32), dtype=np.uint8)


def write_binary(folder, name, n=4):
    """Write the binary version, as the page of the data set describes it."""
    folder.mkdir()
    written, labels = [], []
    for file in (*cifar.TRAIN[name], *cifar.TEST[name]):
        pixels = images(n)
        fine = RNG.integers(cifar.CLASSES[name], size=(n, 1), dtype=np.uint8)
        coarse = np.full((n, cifar.LABELS[name] - 1), 7, dtype=np.uint8)
        rows = np.hstack([coarse, fine, pixels.reshape(n, -1)])
        rows.tofile(folder / file)
        written.append(pixels)
        labels.append(fine[:, 0])
    return written, labels


def write_mnist(folder, n=20):
    """Write both parts of MNIST, as its page describes them."""
    folder.mkdir()
    for part in ("train", "t10k"):
        pixels = RNG.integers(256, size=(n, 28, 28), dtype=np.uint8)
        labels = RNG.integers(10, size=n, dtype=np.uint8)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / f"{part}-{kind}-ubyte").write_bytes(head + array.tobytes())


def write_imagenet(root, per_class=4, classes=SYNSETS):
    """Write images whose red is their class's, of several shapes."""
    for part in ("train", "val"):
        for label, name in enumerate(classes):
            folder = root / part / name
            folder.mkdir(parents=True)
            for i in range(per_class):
                width, height = SIZES[i % len(SIZES)]
                pixels = np.zeros((height, width, 3), dtype=np.uint8)
                pixels[..., 0] = 80 * label + 20
                mode = "L" if i == 1 else "RGB"  # some of ImageNet's are grey
                image = Image.fromarray(pixels).convert(mode)
                image.save(folder / f"{name}_{i}.JPEG", quality=95)
            (folder / "notes.txt").write_text("no image")


def turn(angle):
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def write_llff(folder, views=9, side=(12, 16), factor=2):
    """Write cameras that look along -z, in LLFF's axes: down, right, back."""
    (folder / f"images_{factor}").mkdir(parents=True)
    rows = []
    for i in range(views):
        R = turn(0.02 * (i - views // 2))
        centre = np.array([0.1 * (i - views // 2), 0.03 * i, 0.0])
        llff = np.stack([-R[:, 1], R[:, 0], R[:, 2], centre], axis=1)
        hwf = np.array([[factor * side[0]], [factor * side[1]], [40.0]])
        rows.append([*np.hstack([llff, hwf]).ravel(), 2.0, 9.0])
        pixels = np.full((*side, 3), i, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"images_{factor}" / f"v{i:03}.png")
    np.save(folder / "poses_bounds.npy", np.array(rows))
    return np.array(rows)


def write_voc(folder, names=("2007_000001", "2007_000002", "2008_000003")):
    """Write pictures of a red square, a rim around it that is of no class, and lists.

    The masks are PNG files with PASCAL VOC's palette, whose colours are the bits of a
    class, a colour after the other.
    """
    root = folder / "VOCdevkit" / "VOC2012"
    for inner in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / inner).mkdir(parents=True)
    palette = [
        sum(((k >> (3 * bit + colour)) & 1) << (7 - bit) for bit in range(8))
        for k in range(256)
        for colour in range(3)
    ]
    for k, name in enumerate(names):
        labels = np.zeros((20 + k, 30), dtype=np.uint8)
        labels[4:16, 6:22] = 255
        labels[5:15, 7:21] = k + 1
        pixels = np.full((*labels.shape, 3), 40, dtype=np.uint8)
        pixels[4:16, 6:22, 0] = 220
        Image.fromarray(pixels).save(root / f"JPEGImages/{name}.jpg", quality=95)
        mask = Image.fromarray(labels)
        mask.putpalette(palette)
        mask.save(root / f"SegmentationClass/{name}.png")
    lists = root / "ImageSets" / "Segmentation"
    (lists / "train.txt").write_text("\n".join(names) + "\n")
    (lists / "val.txt").write_text("\n".join(names[:2]) + "\n")


def write_modelnet(folder, classes=("airplane", "bathtub"), per_part=8):
    """Write boxes of the proportions of their class, some with a fused header."""
    corners = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    sides = ("0 1 3 2", "4 6 7 5", "0 4 5 1", "2 3 7 6", "0 2 6 4", "1 5 7 3")
    for label, name in enumerate(classes):
        for part in ("train", "test"):
            inner = folder / name / part
            inner.mkdir(parents=True)
            for k in range(per_part):
                rows = [f"{x} {(label + 2) * y} {z}" for x, y, z in corners]
                faces = [f"4 {side}" for side in sides]
                head = "OFF" if k % 2 else "OFF\n"
                lines = [f"{head}8 6 0", *rows, *faces]
                (inner / f"{name}_{k:04}.off").write_text("\n".join(lines) + "\n")


def write_something(folder, videos=8, frames=10):
    """Write videos whose frames are as red as their numbers say, and lists of them."""
    rows = []
    for k in range(videos):
        inner = folder / "20bn-something-something-v1" / str(100 + k)
        inner.mkdir(parents=True)
        for number in range(1, frames + k + 1):
            pixels = np.full((100, 130 + k, 3), 40, dtype=np.uint8)
            pixels[..., 0] = 10 * number
            Image.fromarray(pixels).save(inner / f"{number:05d}.jpg", quality=95)
        rows.append(f"{100 + k} {frames + k} {20 * k}")
    (folder / "train_videofolder.txt").write_text("\n".join(rows))
    (folder / "val_videofolder.txt").write_text("\n".join(rows[:2]) + "\n")
