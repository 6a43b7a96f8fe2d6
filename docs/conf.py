"""How the site is built: `make docs`. Pages show commands' own output, never a copy."""

import os
import re
import sys
from importlib import metadata
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform

ROOT = Path(__file__).parents[1]
DOTTED = re.compile(r"condlab(\.\w+)+")
# The commands of the pages run in the environment that builds them.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
os.environ["COLUMNS"] = "80"

project = "condlab"
author = copyright = "The condlab developers"
release = metadata.version("condlab")
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autosummary",
    "sphinxcontrib.programoutput",
]
exclude_patterns = ["_build"]
default_role = "py:obj"
toc_object_entries_show_parents = "hide"
templates_path = ["_templates"]

autodoc_typehints = "none"  # numpydoc's Parameters say them in words
autosummary_ignore_module_all = False
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
programoutput_prompt_template = "$ {command}\n{output}"

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "condlab"
html_sidebars = {page: [] for page in ("index", "gallery", "architecture", "results")}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
}


def findings() -> str:
    """Return a page with what the head of every script in findings/ says."""
    page = [
        "# Findings",
        "What public libraries do on valid input that a careful reader of their pages "
        "would not guess, met while condlab was made. Each script, in `findings/`, "
        "installs the versions that it names in an environment of its own and exits "
        "with 1 once the behaviour has changed.",
    ]
    for path in sorted((ROOT / "findings").glob("*.sh")):
        head = re.match(r"#!.*\n((?:#.*\n)+)", path.read_text("utf-8"))
        assert head is not None, f"{path} must begin with comments that say what it is"
        text = re.sub(r"^# ?", "", head[1], flags=re.MULTILINE)
        page += [f"## {path.stem}", text.strip()]
    return "\n\n".join(page) + "\n"


class Plain(SphinxTransform):
    """Take |x| for an absolute value, `condlab.name` for a link, and blocks trimmed."""

    default_priority = 219  # docutils asks what |x| stands for at 220

    def apply(self) -> None:
        """Change the tree of one page."""
        for node in list(self.document.findall(nodes.substitution_reference)):
            node.replace_self(nodes.Text(f"|{node.astext()}|"))
        for block in self.document.findall(nodes.literal_block):
            block.rawsource = block.astext().rstrip()
            block[:] = [nodes.Text(block.rawsource)]
        for name in list(self.document.findall(nodes.literal)):
            if DOTTED.fullmatch(name.astext()) and not in_a_link(name):
                link = pending_xref(
                    refdomain="py",
                    reftype="obj",
                    reftarget=name.astext(),
                    refwarn=self.env.docname != "changelog",  # which has old names
                )
                name.replace_self(link)
                link += name


def in_a_link(node) -> bool:
    """Whether a node is what one clicks on already."""
    return isinstance(node.parent, pending_xref | nodes.reference)


def mathml(display: str):
    """Return what writes a formula as MathML, which browsers draw by themselves."""

    def visit(translator, node) -> None:
        translator.body.append(convert(node.astext(), display=display))
        raise nodes.SkipNode

    return visit, None


def setup(app):
    """Write the page that is made of other files."""
    app.add_transform(Plain)
    app.add_html_math_renderer("mathml", mathml("inline"), mathml("block"))
    (ROOT / "docs" / "findings.md").write_text(findings(), "utf-8")
