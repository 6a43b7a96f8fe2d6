"""Processes of this machine: whether one lives, and ending with it."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from functools import cache
from pathlib import Path

LOOKS = 2.0  # seconds between two looks at whether another process lives


def is_alive(pid: int) -> bool:
    """Return whether a process of this host runs, and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):  # no Linux, or it has just ended
        return not sys.platform.startswith("linux")
    return state != "Z"


@cache
def end_with(host: str, pid: int) -> None:
    """Have this process end within seconds of another one of its host, however it does.

    A killed parent cannot end its workers itself.
    """
    if host != socket.gethostname() or pid == os.getpid() or sys.platform == "win32":
        return

    def wait() -> None:
        while is_alive(pid):
            time.sleep(LOOKS)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
