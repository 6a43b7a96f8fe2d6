"""Videos in files: lists, frames and crops of Something-Something's layout."""

from dataclasses import replace

import pytest
import torch
from PIL import Image
from torch import nn

from studies import models, video
from studies.data import Shape, something
from studies.data.something import CORNERS, PAIRS, crop, sampled
from studies.engine.options import Options
from tests.studies.stand_ins import write_something


@pytest.fixture
def files(tmp_path):
    write_something(tmp_path / "something" / "v1")
    return tmp_path


def red(clips):
    """Return the numbers of frames, which their red says."""
    return (clips[:, :, 0].float().mean((2, 3)) / 10).round().int().tolist()


def test_tested_frames_are_the_middles_of_equal_stretches(files):
    train, test = something.read(files)
    assert (len(train.videos), len(test.videos)) == (8, 2)
    clips, labels = test.read([1, 0], 8, 32)
    assert clips.shape == (2, 8, 3, 32, 32)
    assert clips.dtype == torch.uint8
    assert labels.tolist() == [20, 0]
    # Of 11 and of 10 frames: a stretch is 11 / 8 and 10 / 8 frames.
    assert red(clips) == [[1, 3, 4, 5, 7, 8, 9, 11], [1, 2, 4, 5, 6, 7, 9, 10]]


def test_frames_to_train_with_are_one_of_each_stretch_in_order(files):
    train, _ = something.read(files)
    clips, _ = train.read([7] * 30, 8, 32, torch.Generator().manual_seed(0))
    for numbers in red(clips):  # of 17 frames: two a stretch, the last left out
        assert [(n - 1) // 2 for n in numbers] == list(range(8))
    assert len(set(map(tuple, red(clips)))) > 20
    same = train.read([7] * 30, 8, 32, torch.Generator().manual_seed(0))
    assert torch.equal(same[0], clips)


@pytest.mark.parametrize("there", [1, 2, 7, 8, 9, 15, 16, 40, 1000])
@pytest.mark.parametrize("draw", [None, [0.0] * 8, [0.999999] * 8])
def test_sampled_frames_are_there_and_ascend(there, draw):
    found = sampled(there, 8, draw)
    assert len(found) == 8
    assert list(found) == sorted(found)
    assert min(found) >= 1
    assert max(found) <= there
    assert len(set(found)) == min(there, 8)


def test_all_frames_of_a_clip_have_one_crop(tmp_path):
    """Frames that are alike stay alike; two clips of one video do not."""
    write_something(tmp_path)
    inner = tmp_path / "20bn-something-something-v1" / "100"
    ramp = Image.linear_gradient("L").rotate(45).resize((160, 120)).convert("RGB")
    for path in inner.iterdir():
        ramp.save(path)
    train, _ = something.read(tmp_path)
    clips, _ = train.read([0, 0], 8, 24, torch.Generator().manual_seed(1))
    assert bool((clips == clips[:, :1]).all())
    assert not torch.equal(clips[0], clips[1])


def test_there_are_ten_shapes_of_crops_at_thirteen_places_within_the_frame():
    assert (len(PAIRS), len(CORNERS)) == (10, 13)
    for shape in range(10):
        for place in range(13):
            box = crop((320, 240), ((shape + 0.5) / 10, (place + 0.5) / 13))
            assert 0 <= box[0] < box[2] <= 320
            assert 0 <= box[1] < box[3] <= 240
            sides = (box[2] - box[0]) / 240, (box[3] - box[1]) / 240
            assert min(sides) >= 0.66 - 1e-9
            assert max(sides) <= 1 + 1e-9
            assert abs(sides[0] - sides[1]) < 0.13


def test_the_paths_of_lists_may_start_elsewhere(files):
    """The tool of the lists' authors writes paths from the root of all data sets."""
    root = files / "something" / "v1"
    (root / "20bn-something-something-v1").rename(root / "img")
    for name in something.LISTS:
        rows = (root / name).read_text().splitlines()
        (root / name).write_text("\n".join(f"something/v1/img/{row}" for row in rows))
    train, _ = something.read(files)
    assert train.videos[1].folder == root / "img" / "101"


@pytest.mark.parametrize("ends", ["\n", "\r\n", " \n", "\n\n"])
def test_lists_may_be_written_on_other_systems(files, ends):
    listed = files / "something" / "v1" / something.LISTS[0]
    rows = listed.read_text().splitlines()
    listed.write_bytes(("\ufeff" + ends.join(rows) + ends).encode())
    assert len(something.read(files)[0].videos) == 8


def damage(root, kind):
    listed, inner = root / something.LISTS[0], root / something.FRAMES[0] / "100"
    lines = {
        "short": "100 10",
        "word": "100 ten 0",
        "negative": "100 10 -1",
        "fraction": "100 10.0 1",
        "none": "100 0 1",
        "class": "100 10 174",
        "folder": "999 10 1",
        "many": "100 11 1",
        "blank": "\n",
    }
    if kind in lines:
        listed.write_text(f"{lines[kind]}\n")
    elif kind == "bytes":
        listed.write_bytes(b"\xff\xfe\x00")
    elif kind == "tests":
        (root / something.LISTS[1]).unlink()
    elif kind == "frame":
        (inner / "00002.jpg").unlink()
    elif kind == "image":
        (inner / "00002.jpg").write_bytes(b"no picture")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("short", "line 1: a path and two whole numbers are needed.* got '100 10'"),
        ("word", "line 1: a path and two whole numbers are needed.* got '100 ten 0'"),
        ("negative", "line 1: a path and two whole numbers are needed"),
        ("fraction", "line 1: a path and two whole numbers are needed"),
        ("none", "line 1: a video must have a frame"),
        ("class", "line 1: classes are 0 to 173; .* got '100 10 174'"),
        ("folder", "names the folder 999, and there is none of that name in"),
        ("many", "00011.jpg is missing: .* says that there are 11 frames"),
        ("blank", "must name videos, one a line; it is empty"),
        ("bytes", "must be a text, and is none"),
        ("tests", "val_videofolder.txt is missing"),
        ("frame", "00002.jpg is missing, a frame of a video"),
        ("image", "00002.jpg is no image"),
    ],
)
def test_bad_lists_and_frames_are_told_of(files, kind, message):
    damage(files / "something" / "v1", kind)
    with pytest.raises((ValueError, OSError), match=message):
        something.read(files)[0].read([0], 10, 8)


def test_another_folder_is_told_of(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no file train_videofolder"):
        something.read(tmp_path)
    config = replace(video.Config(), data="something")
    with pytest.raises(ValueError, match="say with --data where train_videofolder"):
        video.task(config, Options("smoke"))
    with pytest.raises(ValueError, match="the clips are moving_digits, moving_mnist"):
        video.task(replace(config, data="x"), Options("smoke"))


def test_the_size_is_that_of_the_network_of_frames():
    """A shift has no parameters: torchvision's count of ResNet-50, but for the head."""
    net = video.network(replace(video.PAPER, arm="BN"), Shape(3, 224, 174))
    assert sum(p.numel() for p in net.parameters()) == 25_557_032 + (174 - 1000) * 2049
    dropped = [m for m in net.modules() if isinstance(m, nn.Dropout)]
    assert [m.p for m in dropped] == [0.5]


def test_every_block_shifts_and_every_kernel_is_standardized():
    net = video.network(replace(video.Config(), arm="GN+WS"), Shape(1, 16, 16))
    shifts = [m for m in net.modules() if isinstance(m, models.tsm.Shifted)]
    assert len(shifts) == 9
    plain = [n for n, m in net.named_modules() if isinstance(m, nn.Conv2d)
             and not hasattr(m, "parametrizations")]  # fmt: skip
    assert plain == []
