"""Configure Sphinx: make docs builds these pages."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import django
from django.conf import settings
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
# Settings are quoted to be copied: "..." stays as it is typed.
smartquotes = False
# Copy a command, with the lines that continue it, without prompts and without what it prints.
copybutton_prompt_text = r"\$ |>>> |> "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"

html_theme = "furo"
html_title = "cfsigned_django"


def setup(app: Sphinx) -> None:
    """Mark the pages of ko/ as Korean, for screen readers and for browsers that translate."""
    app.connect("html-page-context", _name_language)


def _name_language(app: Sphinx, page: str, template: str, context: Any, source: Any) -> None:
    if page.startswith("ko/"):
        context["language"] = "ko"
