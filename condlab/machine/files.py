"""Files that are whole or not there, whoever else writes beside them."""

from __future__ import annotations

import contextlib
import os
import socket
import time
import uuid
from pathlib import Path

from condlab.machine.processes import is_alive

SUFFIX = ".partial"
DAY = 86_400.0  # seconds after which another host's unfinished file is litter


def replace(path: Path, content: bytes) -> None:
    """Write a file so that a kill leaves the old one or the new one, and no part.

    Parameters
    ----------
    path : pathlib.Path
        Its folder is made if need be.
    content : bytes
        All of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}~{_own()}{SUFFIX}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def replace_text(path: Path, text: str) -> None:
    """Write a text file in the same way, in UTF-8 and with Unix's ends of lines."""
    replace(path, text.encode())


def clear_litter(folder: Path) -> None:
    """Delete the unfinished files that processes of this host left when they died.

    Another host's are left for a day, for its processes cannot be asked.
    """
    for path in folder.glob(f"*{SUFFIX}"):
        host, _, rest = path.name.rpartition("~")[2].partition("+")
        pid = rest.partition("+")[0]
        with contextlib.suppress(OSError):
            if host == _host() and pid.isdecimal():
                dead = not is_alive(int(pid))
            else:
                dead = time.time() - path.stat().st_mtime > DAY
            if dead:
                path.unlink()


def _own() -> str:
    return f"{_host()}+{os.getpid()}+{uuid.uuid4().hex[:8]}"


def _host() -> str:
    return socket.gethostname().replace("+", "-").replace("~", "-")
