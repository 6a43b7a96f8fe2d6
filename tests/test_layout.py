"""Files, folders and functions stay short, and types say what a function takes."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_ANY = 60  # lines that say Any
MOST_LINES = 320  # of a file
MOST_IN_A_FOLDER = 3000  # lines of the files that lie in it, not below it
MOST_CODE = 45  # lines of a function, without docstring, blank lines and comments


FILES = [
    path
    for folder in ("condlab", "studies", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
TEXTS = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in FILES}


def functions(text):
    """Return the functions of a module with their lines of code."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        told = ast.get_docstring(node) is not None
        start = node.body[0].end_lineno if told else node.lineno - 1
        head = lines[node.lineno - 1 : node.body[0].lineno - 1] if told else []
        body = lines[start : node.end_lineno]
        code = [line.strip() for line in [*head, *body]]
        yield node.name, sum(bool(line) and not line.startswith("#") for line in code)


def test_lines_of_code_leave_out_docstrings_blank_lines_and_comments():
    text = (
        'def f(\n    x,\n):\n    """Say.\n\n    More.\n    """\n    # why\n\n    g()\n'
    )
    assert list(functions(text)) == [("f", 4)]
    assert list(functions("def f():\n    return 1\n")) == [("f", 2)]


def test_files_are_short():
    lengths = {name: len(text.splitlines()) for name, text in TEXTS.items()}
    assert len(lengths) > 400
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}


def lines_by_folder(texts):
    """Return how many lines lie in each folder itself; folders in it are their own."""
    folders = Counter()
    for name, text in texts.items():
        folders[str(Path(name).parent)] += len(text.splitlines())
    return folders


def test_lines_of_a_folder_leave_out_those_of_folders_in_it():
    found = lines_by_folder({"a/b.py": "x\ny\n", "a/c.py": "z\n", "a/d/e.py": "w\n"})
    assert found == {"a": 3, "a/d": 1}


def test_no_folder_outgrows_three_thousand_lines_but_the_claims():
    folders = lines_by_folder(TEXTS)
    assert {"condlab", "condlab/nn", "studies", "benchmarks"} <= set(folders)
    large = {name for name, n in folders.items() if n > MOST_IN_A_FOLDER}
    assert {name for name in large if "claims" not in name.split("/")} == set()


def test_functions_are_short():
    long = [
        f"{name}: {function} has {code} lines"
        for name, text in TEXTS.items()
        for function, code in functions(text)
        if code > MOST_CODE
    ]
    assert long == []


def test_types_rarely_say_any():
    found = [
        f"{name}:{number}"
        for name, text in TEXTS.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(r"\bAny\b", line)
    ]
    assert len(found) <= MOST_ANY, found
