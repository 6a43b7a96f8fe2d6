"""Files, folders and functions stay short, tests too; types say what is taken."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_ANY = 60  # lines that say Any
MOST_LINES = 320  # of a file
MOST_IN_A_FOLDER = 3000  # lines of the files that lie in it, not below it
MOST_OF_A_FUNCTION = 45  # lines, its docstring apart


FILES = [
    path
    for folder in ("condlab", "studies", "benchmarks", "tests", "examples")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
TEXTS = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in FILES}


def functions(text):
    """Return the functions of a module with their lines, docstrings apart."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first, told = node.body[0], ast.get_docstring(node) is not None
            docstring = first.end_lineno - first.lineno + 1 if told else 0
            yield node.name, node.end_lineno - node.lineno + 1 - docstring


def test_lines_of_a_function_leave_out_its_docstring_alone():
    text = (
        'def f(\n    x,\n):\n    """Say.\n\n    More.\n    """\n    # why\n\n    g()\n'
    )
    assert list(functions(text)) == [("f", 6)]
    assert list(functions("def f():\n    return 1\n")) == [("f", 2)]


def test_files_are_short():
    lengths = {name: len(text.splitlines()) for name, text in TEXTS.items()}
    assert len(lengths) > 800
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
    assert {"condlab", "condlab/nn", "studies", "tests", "tests/nn"} <= set(folders)
    large = {name for name, n in folders.items() if n > MOST_IN_A_FOLDER}
    assert {name for name in large if "claims" not in name.split("/")} == set()


def test_modules_of_tests_differ_in_name():
    # without packages pytest imports each by its name alone
    names = Counter(p.name for p in FILES if p.name.startswith("test_"))
    assert {name for name, n in names.items() if n > 1} == set()


def test_functions_are_short():
    long = [
        f"{name}: {function} has {lines} lines"
        for name, text in TEXTS.items()
        for function, lines in functions(text)
        if lines > MOST_OF_A_FUNCTION
    ]
    assert long == []


def test_types_rarely_say_any():
    found = [
        f"{name}:{number}"
        for name, text in TEXTS.items()
        if not name.startswith("tests/")
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(r"\bAny\b", line)
    ]
    assert len(found) <= MOST_ANY, found
