"""The site's reference has every public name, and its contents every page."""

import importlib
import inspect
import re
import runpy
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
REFERENCE = sorted((DOCS / "api").glob("condlab*.rst"))
ROOMS = {  # and what they cannot be imported without
    "nn": "torch", "spectra": "torch", "curvature": "torch", "theory": "flint",
    "report": "matplotlib", "plots": "matplotlib",
}  # fmt: skip
MADE = {"findings"}  # pages that conf.py writes


def public_names(module):
    """Return `__all__`, or the functions that a module without one defines."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if not is_module(module, name)]
    functions = inspect.getmembers(module, inspect.isfunction)
    own = [name for name, f in functions if f.__module__ == module.__name__]
    return [name for name in own if not name.startswith("_")]


def is_module(module, name):
    return inspect.ismodule(getattr(module, name))


def pages():
    """Return the pages that are kept, and those that conf.py writes."""
    found = [*DOCS.rglob("*.md"), *DOCS.rglob("*.rst")]
    names = {str(path.relative_to(DOCS).with_suffix("")) for path in found}
    return {n for n in names if not n.startswith(("api/generated", "_"))} | MADE


def contents():
    """Return how often each page stands in a table of contents."""
    listed = Counter()
    for path in DOCS.rglob("*.md"):
        text = path.read_text("utf-8")
        for body in re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL):
            entries = [line for line in body.split("\n") if not line.startswith(":")]
            for entry in filter(None, entries):
                listed.update(matches(path.parent, entry))
    return listed


def matches(folder, entry):
    """Return the pages that an entry of a table of contents stands for."""
    if "*" in entry:
        entries = [path.with_suffix("") for path in folder.glob(entry)]
    else:
        entries = [(folder / entry).resolve()]
    return [str(path.relative_to(DOCS)) for path in entries]


@pytest.mark.parametrize("page", REFERENCE, ids=lambda page: page.stem)
def test_the_reference_has_every_public_name_once(page):
    room = page.stem.split(".")[1] if "." in page.stem else ""
    if room in ROOMS:
        pytest.importorskip(ROOMS[room])
    text = page.read_text("utf-8")
    tables = re.findall(r"autosummary::\n(?:   :.*\n)*\n((?:   \w+\n)+)", text)
    shown = " ".join(tables).split() + re.findall(r"py:data:: (\w+)", text)
    module = importlib.import_module(page.stem)
    assert max(Counter(shown).values()) == 1
    assert set(public_names(module)) <= set(shown)
    assert [name for name in shown if not hasattr(module, name)] == []


def test_every_room_has_a_page_of_the_reference():
    import condlab

    folder = Path(condlab.__file__).parent
    faces = {name: (folder / name / "__init__.py") for name in condlab._ROOMS}
    public = {name for name, face in faces.items() if "__all__" in face.read_text()}
    pages = {page.stem for page in REFERENCE}
    assert {"condlab", *(f"condlab.{name}" for name in public)} <= pages


def test_every_page_is_in_one_table_of_contents():
    listed = contents()
    assert set(listed) | {"index"} == pages()
    assert set(listed.values()) == {1}


def test_the_gallery_shows_every_example_and_runs_it():
    text = (DOCS / "gallery.md").read_text("utf-8")
    names = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))
    assert sorted(re.findall(r"\.\./examples/(\w+)\.py", text)) == names
    assert sorted(re.findall(r"python -m examples\.(\w+)", text)) == names


def test_the_command_line_page_asks_every_command_for_help():
    from condlab.cli import _parser

    text = (DOCS / "api" / "command-line.md").read_text("utf-8")
    asked = re.findall(r"condlab (\w+) --help", text)
    assert sorted(asked) == sorted(_parser()._subparsers._group_actions[0].choices)


def test_findings_are_listed_with_what_their_heads_say():
    pytest.importorskip("sphinx")
    pytest.importorskip("latex2mathml")
    text = runpy.run_path(str(DOCS / "conf.py"))["findings"]()
    scripts = sorted((ROOT / "findings").glob("*.sh"))
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [p.stem for p in scripts]
    first = scripts[0].read_text("utf-8").splitlines()[1].removeprefix("# ")
    assert first in text
