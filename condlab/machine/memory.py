"""How many bytes may still be taken: of the machine, of its container, by the process.

The least of three counts. What the kernel calls available of the machine's memory;
what every control group that the process is in, up to the root, has left of its limit;
and what the process has left of its own limits. A page of a file that could be read
again is not taken.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

UNKNOWN = 1 << 32  # bytes, where no system call tells
UNLIMITED = 1 << 62  # version 1 of control groups writes "no limit" as such a number
PROC = Path("/proc")

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]


def available_bytes(proc: Path | None = None) -> int:
    """Return how many bytes of memory may still be taken.

    Parameters
    ----------
    proc : path, optional
        Where the kernel's tables are.

    Returns
    -------
    int
        The least of what the machine, the control groups (versions 1 and 2, nested
        ones included) and the process's limits on addresses and on data leave; at
        least 0.

    Examples
    --------
    >>> available_bytes() > 0
    True
    """
    proc = PROC if proc is None else proc
    left = [_machine(proc), *_groups(proc), *_limits(proc)]
    return max(0, min(left))


def require_bytes(needed: float, what: str, instead: str, there: float) -> None:
    """Raise MemoryError where something takes more bytes than there are.

    Parameters
    ----------
    needed : float
        Bytes.
    what, instead : str
        What takes them, and what to do where there are too few.
    there : float
        Bytes that may be taken.

    Examples
    --------
    >>> require_bytes(3e9, "a matrix of 20000 rows", "use its products", 1e9)
    Traceback (most recent call last):
    MemoryError: a matrix of 20000 rows takes 2.8 GiB, and 0.93 GiB are there; use its
    products
    """
    if needed > there:
        raise MemoryError(
            f"{what} takes {needed / 2**30:.2g} GiB, and {there / 2**30:.2g} GiB are "
            f"there; {instead}"
        )


def _machine(proc: Path) -> int:
    with contextlib.suppress(OSError, ValueError):  # Linux
        for line in (proc / "meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return UNKNOWN


def _limits(proc: Path) -> Iterator[int]:
    """Yield what the process's own limits leave."""
    if resource is None:
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = [int(word) for word in (proc / "self/statm").read_text().split()]
        size = os.sysconf("SC_PAGE_SIZE")
        for name, taken in (("RLIMIT_AS", pages[0]), ("RLIMIT_DATA", pages[5])):
            limit = resource.getrlimit(getattr(resource, name))[0]
            if limit != resource.RLIM_INFINITY:
                yield limit - taken * size


def _groups(proc: Path) -> Iterator[int]:
    """Yield what each control group of the process leaves, from its own to the root."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        mounts = list(_mounts(proc))
        for line in (proc / "self/cgroup").read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            second = number == "0" and not controllers
            if not second and "memory" not in controllers.split(","):
                continue
            for kind, root, mount in mounts:
                if kind == ("cgroup2" if second else "cgroup"):
                    for folder in _upwards(mount, root, path):
                        yield from _left_v2(folder) if second else _left_v1(folder)


def _mounts(proc: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield kind, root and place of the mounts that control memory."""
    for line in (proc / "self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        controls = kind == "cgroup" and "memory" in options.split(" ")[-1].split(",")
        if kind == "cgroup2" or controls:
            root, place = before.split(" ")[3:5]
            yield kind, _plain(root), Path(_plain(place))


def _plain(name: str) -> str:
    """Return a path of the kernel's tables, which write a space as an octal number."""
    return name.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")


def _upwards(mount: Path, root: str, path: str) -> Iterator[Path]:
    """Yield the folders of a group and of those around it, as far as they are seen.

    Inside a container the path may be the host's, which is cut off at the mount's root.
    """
    inside = path.removeprefix(root) if root != "/" else path
    folder = mount / inside.lstrip("/")
    if ".." in folder.parts or not folder.is_dir():
        folder = mount
    yield folder
    while folder != mount:
        folder = folder.parent
        yield folder


def _left_v2(folder: Path) -> Iterator[int]:
    for name in ("memory.max", "memory.high"):
        yield from _left(folder, name, "memory.current", "")


def _left_v1(folder: Path) -> Iterator[int]:
    yield from _left(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_")


def _left(folder: Path, limit: str, usage: str, prefix: str) -> Iterator[int]:
    with contextlib.suppress(OSError, ValueError):  # the root has no such files
        most = (folder / limit).read_text().strip()
        if most == "max" or int(most) >= UNLIMITED:
            return
        taken = int((folder / usage).read_text())
        yield int(most) - taken + _reclaimable(folder / "memory.stat", prefix)


def _reclaimable(table: Path, prefix: str) -> int:
    """Return the bytes of files that a group holds and would let go of."""
    names = {f"{prefix}active_file", f"{prefix}inactive_file"}
    found = 0
    with contextlib.suppress(OSError, ValueError):
        for line in table.read_text().splitlines():
            name, value = line.split()
            found += int(value) if name in names else 0
    return found
