"""Clips of moving digits: how they move, and what frames tell of it."""

import pytest
import torch

from studies import models
from studies.data import clips
from studies.data.clips import FRAMES, MOVES, SIDE, moved
from tests.studies.stand_ins import write_mnist


def anywhere(digit, move):
    """Return clips that start at every place of the torus."""
    starts = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE))
    n = len(starts)
    return moved(digit.expand(n, -1, -1, -1), torch.tensor([move]).expand(n, 2), starts)


def counted(frames):
    """Return how often each frame comes."""
    rows, counts = frames.flatten(1).unique(dim=0, return_counts=True)
    return rows, counts


DIGIT = torch.randint(1, 255, (1, 1, 8, 8), generator=torch.Generator().manual_seed(0))


def test_there_are_eight_directions_at_two_speeds():
    assert len(set(MOVES)) == 16
    assert {max(map(abs, move)) for move in MOVES} == {1, 2}
    # On the torus as well, where moves by whole turns would be the same.
    assert len({(down % SIDE, right % SIDE) for down, right in MOVES}) == 16


@pytest.mark.parametrize("frame", range(FRAMES))
def test_single_frames_are_the_same_whatever_the_move(frame):
    """Over all starts, which are drawn alike, every class has the same frames."""
    first = counted(anywhere(DIGIT, MOVES[0])[:, frame])
    for move in MOVES[1:]:
        other = counted(anywhere(DIGIT, move)[:, frame])
        assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_clip_played_backwards_is_one_of_the_opposite_move():
    for down, right in MOVES:
        start = torch.tensor([[3, 5]])
        move = torch.tensor([[down, right]])
        clip = moved(DIGIT, move, start)
        end = start + (FRAMES - 1) * move
        assert torch.equal(moved(DIGIT, -move, end), clip.flip(1))


@pytest.mark.parametrize("folds", [0, 4])
def test_only_a_temporal_shift_tells_opposite_moves_apart(folds):
    torch.manual_seed(0)
    frames = models.resnet8(16, width=8, in_channels=1, norm="layer")
    net = models.TSM(frames, FRAMES, folds=folds).eval()
    clip = moved(DIGIT / 255, torch.tensor([[0, 1]]), torch.tensor([[3, 5]]))
    with torch.no_grad():
        ahead, back = net(clip), net(clip.flip(1))
    close = torch.allclose(ahead, back, rtol=1e-5, atol=1e-6)
    assert close == (folds == 0)


def test_frames_are_rolled_by_the_move():
    clip = moved(DIGIT, torch.tensor([[-1, 2]]), torch.tensor([[4, 4]]))[0]
    for t in range(1, FRAMES):
        assert torch.equal(clip[t], clip[0].roll((-t, 2 * t), (1, 2)))
    assert torch.equal(clip[0, 0, 4:12, 4:12], DIGIT[0, 0])
    assert int((clip[0] > 0).sum()) == 64


def test_classes_are_as_many_and_parts_have_other_digits():
    made = clips.clips("moving_digits")
    parts = (made.train, made.test)
    for (frames, labels), count in zip(parts, clips.COUNTS, strict=True):
        assert frames.shape == (count, FRAMES, 1, SIDE, SIDE)
        assert frames.dtype == torch.uint8
        assert labels.bincount().tolist() == [count // 16] * 16
    # Sorted, the pixels of a frame say which digit it is, wherever that lies.
    inks = [frames[:, 0].flatten(1).sort(1).values.numpy() for frames, _ in parts]
    known, tested = ({row.tobytes() for row in rows} for rows in inks)
    assert not known & tested


def test_clips_are_drawn_alike_again():
    first = clips.clips("moving_digits")
    clips.clips.cache_clear()
    second = clips.clips("moving_digits")
    assert torch.equal(first.train[0], second.train[0])
    assert not torch.equal(first.train[0][:1024], first.test[0])


def test_digits_of_mnist_are_halved(tmp_path):
    write_mnist(tmp_path / "mnist")
    made = clips.clips("moving_mnist", tmp_path)
    assert made.train[0].shape[2:] == (1, SIDE, SIDE)
    empty = (made.train[0][:, 0] == 0).flatten(1).sum(1)
    assert int(empty.min()) == SIDE**2 - 14**2


def test_unknown_clips_are_refused():
    with pytest.raises(ValueError, match="the clips are moving_digits, moving_mnist"):
        clips.clips("kinetics")
