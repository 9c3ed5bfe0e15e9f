"""Configure Sphinx: make docs builds these pages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import django
from bs4 import BeautifulSoup
from django.conf import settings
from docutils import nodes
from sphinx.application import Sphinx

_PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"

project = "cfsigned_django"
author = "cfsigned_django contributors"
project_copyright = f"2026, {author}"
release = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]

# The Python API is read from the code, which imports a model.
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "cfsigned_django"]
)
django.setup()

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
autodoc_member_order = "bysource"
add_module_names = False
python_maximum_signature_line_length = 88
exclude_patterns = ["_build"]
# html_image: <img> is what GitHub shows in a width of its own.
myst_enable_extensions = ["colon_fence", "html_image"]
myst_heading_anchors = 3
# "%}" at the start of a line is the end of a tag, and not a comment to leave out with its line.
myst_disable_syntax = ["myst_line_comment"]
# Settings are quoted to be copied: "..." stays as it is typed.
smartquotes = False
# Copy a command, with the lines that continue it, without prompts and without what it prints.
copybutton_prompt_text = r"\$ |>>> |> "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"

html_theme = "furo"
html_title = "cfsigned_django"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_search_scorer = str(Path(__file__).parent / "_static" / "search.js")


#: The words of the theme on a Korean page.
_KOREAN = {
    "Search": "검색",
    "Next": "다음",
    "Previous": "이전",
    "Home": "처음",
    "On this page": "이 페이지에서",
}


def setup(app: Sphinx) -> None:
    """Make the pages of ko/ Korean around their text, after the theme has made the sidebar."""
    app.connect("doctree-resolved", _break_names)
    app.connect("html-page-context", _speak_korean, priority=900)


def _break_names(app: Sphinx, page: nodes.document, name: str) -> None:
    """Let a long name in a table break between its words, and not within one, on a phone."""
    for cell in page.findall(nodes.entry):
        for code in cell.findall(nodes.literal):
            first, *others = re.split(r"(?<=[a-z])(?=[A-Z])|(?<=[_./:=(,])(?=\w)", code.astext())
            code.children = []
            code += nodes.Text(first)
            for each in others:
                code += [nodes.raw("", "<wbr>", format="html"), nodes.Text(each)]


def _speak_korean(app: Sphinx, page: str, template: str, context: Any, source: Any) -> None:
    """Name the language, for screen readers, and show Korean words and the Korean pages alone."""
    if page.startswith("ko/"):
        context["language"] = "ko"
        context["_"] = lambda text: _KOREAN.get(text, text)
        tree = BeautifulSoup(context["furo_navigation_tree"], "html.parser")
        branch = next(each for each in tree("li") if each.a and each.a.text.startswith("한국어"))
        context["furo_navigation_tree"] = f"<ul>{branch}</ul>"
