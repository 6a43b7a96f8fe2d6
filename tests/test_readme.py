"""The README's commands print what it says, and what it shows exists."""

import re
import shlex
from pathlib import Path

import pytest

from condlab.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
RESULTS = (ROOT / "docs" / "results.md").read_text()
CONSOLE = re.findall(r"```console\n\$ condlab (.*?)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("command", "expected"), CONSOLE)
def test_command_prints_what_the_readme_shows(command, expected, capsys):
    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out.strip() == expected.strip()


def test_readme_shows_at_least_one_command_and_stays_short():
    assert CONSOLE
    assert len(README.splitlines()) < 130


@pytest.mark.parametrize(("text", "folder"), [(README, "."), (RESULTS, "docs")])
def test_files_that_a_page_links_to_exist(text, folder):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert links
    assert [link for link in links if not (ROOT / folder / link).exists()] == []


def test_generated_regions_are_filled():
    here = [(README, ("summary", "answer"))]
    there = [(RESULTS, ("summary", "answer", "studies", "verdicts"))]
    for text, name in ((t, name) for t, names in here + there for name in names):
        region = re.search(
            rf"<!-- {name}:begin -->(.*?)<!-- {name}:end -->", text, re.S
        )
        assert region is not None
        assert region[1].strip()
