"""Something-Something's layout: a folder of frames a video, and lists of videos.

The lists are those of the temporal shift's code: a line has a video's folder, how many
frames that has, and its class, as in ``100218 42 165``. Only the lists are held; frames
are read as they are asked for.

References
----------
.. [1] R. Goyal et al., "The 'something something' video database for learning and
   evaluating visual common sense", ICCV 2017.
.. [2] J. Lin, C. Gan and S. Han, "TSM: temporal shift module for efficient video
   understanding", ICCV 2019, whose frames and crops these are.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from condlab.errors import missing_extra
from studies.data.folders import READERS, Box

CLASSES = 174
PLACES = (".", "something/v1", "something")
FRAMES = ("20bn-something-something-v1", ".")  # where the folders of frames may be
LISTS = ("train_videofolder.txt", "val_videofolder.txt")
# Of crops in training: sides over the shorter one of the frame, and of which pairs, for
# height and width, no more than one step apart; their places, in quarters of the room.
SIDES = (1.0, 0.875, 0.75, 0.66)
PAIRS = tuple((a, b) for i, a in enumerate(SIDES) for b in SIDES[max(0, i - 1) : i + 2])
CORNERS = tuple((i, j) for i in range(5) for j in range(i % 2, 5, 2))
INNER = 224 / 256  # of the shorter side, the central square that is tested


@dataclass(frozen=True, slots=True)
class Video:
    """A folder of frames."""

    folder: Path
    frames: int
    label: int


@dataclass(frozen=True, slots=True)
class Part:
    """Videos on disk."""

    videos: tuple[Video, ...]

    def read(
        self,
        chosen: Sequence[int],
        frames: int,
        side: int,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return clips as bytes, shape (n, frames, 3, side, side), and their classes.

        Of each of so many equal stretches of a video the frame in the middle, and of
        that the centre; or with a generator a random one, and one crop of all frames.
        They are not mirrored: left and right are what many classes are about.

        Raises
        ------
        ValueError
            If a frame is no image; the message says which.
        FileNotFoundError
            If it is missing.
        """
        draws: list[list[float] | None] = [None] * len(chosen)
        if generator is not None:
            drawn = torch.rand(
                (len(chosen), frames + 2), generator=generator, dtype=torch.float64
            )
            draws = list(drawn.tolist())
        own = [self.videos[i] for i in chosen]
        jobs = [
            (video.folder / f"{number:05d}.jpg", side, draw and tuple(draw[frames:]))
            for video, draw in zip(own, draws, strict=True)
            for number in sampled(video.frames, frames, draw and draw[:frames])
        ]
        with ThreadPoolExecutor(READERS) as pool:
            pixels = np.stack(list(pool.map(lambda job: _frame(*job), jobs)))
        made = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        labels = torch.tensor([video.label for video in own])
        return made.unflatten(0, (-1, frames)), labels


def sampled(
    there: int, wanted: int, draw: Sequence[float] | None = None
) -> tuple[int, ...]:
    """Return the numbers of frames, from 1: of each equal stretch of a video one.

    Parameters
    ----------
    there : int
        Frames of the video. Where they are fewer than are wanted, some come twice.
    wanted : int
        Stretches.
    draw : sequence of float, optional
        Where in its stretch each frame is, from 0 to below 1, of stretches of a whole
        number of frames; the middle without it.

    Examples
    --------
    >>> sampled(40, 8), sampled(3, 8)
    ((3, 8, 13, 18, 23, 28, 33, 38), (1, 1, 1, 2, 2, 3, 3, 3))
    >>> sampled(17, 8, [0.0, 0.9] * 4)
    (1, 4, 5, 8, 9, 12, 13, 16)
    """
    whole = there // wanted
    if draw is None or not whole:
        return tuple(1 + (2 * k + 1) * there // (2 * wanted) for k in range(wanted))
    return tuple(1 + k * whole + int(u * whole) for k, u in enumerate(draw))


def read(folder: Path) -> tuple[Part, Part]:
    """Return the parts to train and to test with.

    Parameters
    ----------
    folder : pathlib.Path
        With the two lists, or where ``something/v1`` with them is. The videos' folders
        are beside them, or in ``20bn-something-something-v1`` there, or where the
        paths in the lists start.

    Raises
    ------
    FileNotFoundError
        If a list, a video's folder, or its first or last frame is not there.
    ValueError
        If a line of a list has not a folder, a number of frames and a class.
    """
    roots = [folder / place for place in PLACES]
    root = next((r for r in roots if (r / LISTS[0]).is_file()), None)
    if root is None:
        raise FileNotFoundError(
            f"{folder} has no file {LISTS[0]}, nor has something/v1 there; its lines "
            "are a folder of frames, their number and a class"
        )
    bases = [*(root / place for place in FRAMES), folder]
    train, test = (_part(root / name, bases) for name in LISTS)
    return train, test


def _part(listed: Path, bases: Sequence[Path]) -> Part:
    if not listed.is_file():
        raise FileNotFoundError(
            f"{listed} is missing; its lines are a folder of frames, their number and "
            "a class"
        )
    try:
        lines = listed.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{listed} must be a text, and is none: {error}") from error
    rows = [
        _row(listed, number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    if not rows:
        raise ValueError(f"{listed} must name videos, one a line; it is empty")
    first = rows[0][0]
    base = next((b for b in bases if (b / first).is_dir()), None)
    if base is None:
        raise FileNotFoundError(
            f"{listed} names the folder {first}, and there is none of that name in "
            f"{', '.join(map(str, dict.fromkeys(bases)))}"
        )
    videos = tuple(Video(base / name, frames, label) for name, frames, label in rows)
    for video in videos:
        for number in (1, video.frames):
            path = video.folder / f"{number:05d}.jpg"
            if not path.is_file():
                raise FileNotFoundError(
                    f"{path} is missing: {listed} says that there are {video.frames} "
                    "frames"
                )
    return Part(videos)


def _row(listed: Path, number: int, line: str) -> tuple[str, int, int]:
    """Return folder, number of frames and class of a line."""

    def refuse(what: str) -> NoReturn:
        raise ValueError(
            f"{listed}, line {number}: {what}; a line is a folder of frames, their "
            f"number and a class, as in 100218 42 165, got {line.strip()!r}"
        )

    name, *numbers = line.strip().rsplit(maxsplit=2)
    if len(numbers) != 2 or not all(n.isascii() and n.isdigit() for n in numbers):
        refuse("a path and two whole numbers are needed")
    frames, label = map(int, numbers)
    if not frames:
        refuse("a video must have a frame")
    if label >= CLASSES:
        refuse(f"classes are 0 to {CLASSES - 1}")
    return name, frames, label


def _frame(path: Path, side: int, draw: tuple[float, ...] | None) -> np.ndarray:
    """Return a frame as bytes, shape (side, side, 3): its centre, or a drawn crop."""
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise missing_extra("pillow", "studies", "decoding JPEG files") from error
    try:
        with Image.open(path) as image:
            whole = image.convert("RGB")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is missing, a frame of a video") from error
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} is no image: {error}") from error
    box = crop(whole.size, draw)
    return np.asarray(whole.resize((side, side), Image.Resampling.BILINEAR, box))


def crop(size: tuple[int, int], draw: Sequence[float] | None) -> Box:
    """Return the central square of a frame, or the box that two numbers draw.

    Examples
    --------
    >>> crop((320, 256), None)
    (48.0, 16.0, 272.0, 240.0)
    >>> crop((320, 256), (0.0, 0.0))
    (0.0, 0.0, 256.0, 256.0)
    """
    shorter = min(size)
    if draw is None:
        sides, place = (INNER, INNER), (2, 2)
    else:
        sides = PAIRS[int(draw[0] * len(PAIRS))]
        place = CORNERS[int(draw[1] * len(CORNERS))]
    across, down = (share * shorter for share in sides)
    left = (size[0] - across) * place[0] / 4
    upper = (size[1] - down) * place[1] / 4
    return left, upper, left + across, upper + down
