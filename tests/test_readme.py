"""The README's commands print what it says, and what it shows exists."""

import re
import shlex
from pathlib import Path

import pytest

from condlab.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CONSOLE = re.findall(r"```console\n\$ condlab (.*?)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("command", "expected"), CONSOLE)
def test_command_prints_what_the_readme_shows(command, expected, capsys):
    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out.strip() == expected.strip()


def test_readme_shows_at_least_one_command_and_stays_short():
    assert CONSOLE
    assert len(README.splitlines()) < 200


def test_files_that_the_readme_links_to_exist():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_generated_regions_are_filled():
    for name in ("summary", "studies", "verdicts"):
        region = re.search(
            rf"<!-- {name}:begin -->(.*?)<!-- {name}:end -->", README, re.S
        )
        assert region is not None
        assert region[1].strip()
