"""The room that is left is the least of the machine's, the group's and the process's.

The kernel's tables are files of a folder here, written as its documentation has them.
"""

import subprocess
import sys

import pytest

from condlab.machine.memory import available_bytes, require_bytes

MIB = 2**20
MACHINE = 64 * 2**30
SECOND = "31 23 0:28 {root} {mount} rw - cgroup2 cgroup2 rw,nsdelegate\n"
FIRST = "32 31 0:31 {root} {mount} rw shared:9 - cgroup cgroup rw,memory\n"
SIBLING = "33 31 0:32 / {mount}-cpu rw - cgroup cgroup rw,cpu,cpuacct\n"


@pytest.fixture
def kernel(tmp_path):
    """Return a function that writes the kernel's tables, and gives their folder."""
    proc, mount = tmp_path / "proc", tmp_path / "sys fs" / "memory"
    (proc / "self").mkdir(parents=True)

    def write(groups, own, *, version=2, root="/", machine=MACHINE):
        for name, files in groups.items():
            (mount / name).mkdir(parents=True, exist_ok=True)
            for file, text in files.items():
                (mount / name / file).write_text(f"{text}\n")
        (proc / "meminfo").write_text(
            f"MemTotal: 9 kB\nMemAvailable: {machine >> 10} kB\n"
        )
        lines = {1: f"7:cpu,cpuacct:/\n4:memory:{own}\n0::/\n", 2: f"0::{own}\n"}
        (proc / "self/cgroup").write_text(lines[version])
        place = {"root": root, "mount": str(mount).replace(" ", "\\040")}
        table = SIBLING + (SECOND if version == 2 else FIRST)
        (proc / "self/mountinfo").write_text(table.format(**place))
        return proc

    return write


def second(most, taken, **other):
    return {"memory.max": most, "memory.current": taken, **other}


def first(most, taken, **other):
    return {
        "memory.limit_in_bytes": most,
        "memory.usage_in_bytes": taken,
        **other,
    }


def test_a_machine_without_limits_has_what_it_says_is_available(kernel):
    assert available_bytes(kernel({}, "/")) == MACHINE
    assert available_bytes(kernel({"a": second("max", 5)}, "/a")) == MACHINE


@pytest.mark.parametrize(
    ("version", "group"), [(1, first), (2, second)], ids=["v1", "v2"]
)
def test_the_tightest_of_nested_groups_counts(kernel, version, group):
    groups = {
        "a": group(100 * MIB, 70 * MIB),
        "a/b": group(90 * MIB, 10 * MIB),
        "a/b/c": group(300 * MIB, 1 * MIB),
        "a/other": group(1, 0),
    }
    assert available_bytes(kernel(groups, "/a/b/c", version=version)) == 30 * MIB


@pytest.mark.parametrize(
    ("version", "group", "prefix"), [(1, first, "total_"), (2, second, "")]
)
def test_files_that_could_be_read_again_are_not_taken(kernel, version, group, prefix):
    stat = f"anon 7\n{prefix}inactive_file {20 * MIB}\n{prefix}active_file {5 * MIB}"
    groups = {"a": group(100 * MIB, 90 * MIB, **{"memory.stat": stat})}
    assert available_bytes(kernel(groups, "/a", version=version)) == 35 * MIB


def test_version_1_writes_no_limit_as_a_large_number(kernel):
    groups = {"a": first(9223372036854771712, 5)}
    assert available_bytes(kernel(groups, "/a", version=1)) == MACHINE


def test_a_group_that_is_slowed_down_past_a_limit_is_limited_by_it(kernel):
    groups = {"a": second("max", 10 * MIB, **{"memory.high": 50 * MIB})}
    assert available_bytes(kernel(groups, "/a")) == 40 * MIB


@pytest.mark.parametrize(
    ("own", "root"),
    [("/docker/f00", "/docker/f00"), ("/docker/f00", "/"), ("/../..", "/")],
    ids=["cut off at the root", "not seen from inside", "above the namespace"],
)
def test_a_container_finds_its_limit_at_the_root_of_what_it_sees(kernel, own, root):
    groups = {"": first(100 * MIB, 40 * MIB)}
    proc = kernel(groups, own, version=1, root=root)
    assert available_bytes(proc) == 60 * MIB


def test_a_group_that_is_past_its_limit_has_nothing_left(kernel):
    assert available_bytes(kernel({"a": second(MIB, 3 * MIB)}, "/a")) == 0


@pytest.mark.parametrize("text", ["", "nonsense", "-"])
def test_tables_that_cannot_be_read_limit_nothing(kernel, text):
    assert available_bytes(kernel({"a": second(text, text)}, "/a")) == MACHINE
    proc = kernel({}, "/")
    for table in ("self/cgroup", "self/mountinfo"):
        (proc / table).write_text(text)
        assert available_bytes(proc) == MACHINE


def test_a_system_without_tables_still_gives_a_number(tmp_path):
    assert available_bytes(tmp_path) > 2**27


LIMITED = """
import resource, sys
from condlab.machine.memory import available_bytes
kind, room = getattr(resource, sys.argv[1]), int(sys.argv[2])
field = {"RLIMIT_AS": 0, "RLIMIT_DATA": 5}[sys.argv[1]]
pages = int(open("/proc/self/statm").read().split()[field])
most = pages * resource.getpagesize() + room
resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))
found = available_bytes()
assert 0.9 * room < found <= room, (found, room)
try:
    taken = bytearray(int(1.1 * room))
except MemoryError:
    print("as the kernel says")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits are Linux's")
@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_the_limits_of_the_process_count(kind):
    command = [sys.executable, "-c", LIMITED, kind, str(64 * MIB)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "as the kernel says\n", done.stderr


def test_what_is_missing_is_said_with_what_to_do_instead():
    require_bytes(5.0, "a thing", "do without", 5.0)
    with pytest.raises(
        MemoryError, match=r"^a thing takes 2 GiB, and 1 GiB .*without$"
    ):
        require_bytes(2.0**31, "a thing", "do without", 2.0**30)
