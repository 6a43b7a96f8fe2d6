"""Processes of torchrun against one: the same numbers, or one sentence in all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studies.tasks.shares import places

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
LIKE = {
    "slopes": "rrelu_with_noise draws for a batch as a whole",
    "contrastive": "must be the mean of its samples' losses",
    "doubled": "must be the mean of its samples' losses",
    "recording": "something that the network keeps depends on the samples",
}


def launch(*command, nodes=1, **options):
    """Start a program's processes, in so many groups, and return the groups."""
    world = [sys.executable, "-m", "torch.distributed.run", "--nnodes", str(nodes)]
    where = ["--master-addr", "127.0.0.1", "--master-port", options.pop("port")]
    each = ["--nproc-per-node", str(options.pop("each", 1))]
    kept = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    kept |= {"cwd": ROOT, "env": {**os.environ, "OMP_NUM_THREADS": "1"}}
    return [
        subprocess.Popen(
            [*world, *where, *each, "--node-rank", str(r), "-m", *command], **kept
        )
        for r in range(nodes)
    ]


def outputs(groups):
    """Return exit status, output and errors of each group."""
    said = [group.communicate(timeout=300) for group in groups]
    return [(g.returncode, *text) for g, text in zip(groups, said, strict=True)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    program = ["tests.studies.engine.ranked", str(folder)]
    subprocess.run([sys.executable, "-m", *program], cwd=ROOT, check=True)
    for groups in (
        launch(*program, port="29631", nodes=2),
        launch(*program, port="29632", each=3),
    ):
        for status, _, errors in outputs(groups):
            assert status == 0, errors[-3000:]
    names = [(n, r) for n in (1, 2, 3) for r in range(n)]
    return {w: json.loads((folder / f"{w[0]}-{w[1]}.json").read_text()) for w in names}


def close(found, expected):
    for name in ("loss", "probe_loss"):
        pairs = zip(found[name], expected[name], strict=True)
        assert all(a == pytest.approx(b, rel=1e-5) for a, b in pairs), name


def test_ranks_on_two_nodes_and_on_one_give_one_processes_losses(runs):
    for (count, _), found in runs.items():
        for case, expected in runs[1, 0].items():
            if case not in LIKE and count > 1:
                close(found[case], expected)


def test_a_batch_in_parts_has_the_draws_of_the_whole(runs):
    for found in runs.values():
        for case in ("dropout", "nerf", "noise"):
            close(found[f"{case} in 2 parts"], runs[1, 0][case])


def test_what_cannot_be_cut_is_refused_in_all_ranks_by_the_same_sentence(runs):
    for case, sentence in LIKE.items():
        assert "loss" in runs[1, 0][case]
        for count in (2, 3):
            texts = {runs[count, r][case]["refused"] for r in range(count)}
            assert len(texts) == 1
            assert sentence in texts.pop()


def test_ranks_write_the_record_of_one_process_and_say_how_many_they_were(tmp_path):
    command = ["studies", "small_networks", "--json", "--out"]
    two = outputs(launch(*command, str(tmp_path / "2"), port="29633", nodes=2))
    assert [status for status, *_ in two] == [0, 0], two[0][2][-3000:]
    assert two[1][1] == ""
    alone = [sys.executable, "-m", *command, str(tmp_path / "1"), "--jobs", "1"]
    one = subprocess.run(alone, cwd=ROOT, capture_output=True, text=True, check=True)
    for text, expected in zip(
        two[0][1].splitlines(), one.stdout.splitlines(), strict=True
    ):
        found, known = json.loads(text), json.loads(expected)
        assert (found["ranks"], known["ranks"]) == (2, 1)
        losses = (dict(map(tuple, r["series"]["loss"])) for r in (found, known))
        assert next(losses) == pytest.approx(next(losses), rel=1e-5)


def test_a_rank_that_is_missing_is_named_when_the_time_is_over():
    environment = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    environment |= {"MASTER_PORT": "29634", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "studies", "small_networks"]
    done = subprocess.run(
        [*command, "--timeout-minutes", "0.05"], cwd=ROOT, capture_output=True,
        env={**os.environ, **environment}, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "studies: rank 1 of 2 did not come within 0.05 minutes" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_sample_is_computed_once():
    assert [(p.start, p.stop) for p in places(6, 3)] == [(0, 2), (2, 4), (4, 6)]
    with pytest.raises(ValueError, match="in 4 parts must be divisible by it, got 6"):
        places(6, 4)
