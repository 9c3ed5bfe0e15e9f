"""Configure Sphinx: make docs builds these pages."""

from __future__ import annotations

import functools
import json
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import django
from bs4 import BeautifulSoup
from django.conf import settings
from django.core.management import load_command_class
from django.core.management.base import DjangoHelpFormatter
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.std import ConfigurationValue
from sphinx.environment import BuildEnvironment
from sphinx.search.en import SearchEnglish
from sphinx.util.docutils import SphinxDirective

sys.path.insert(0, str(Path(__file__).parent.parent))

from docs.entries import PRINTED

_ROOT = Path(__file__).parent.parent

project = "cfsigned_django"
author = "cfsigned_django contributors"
project_copyright = f"2026, {author}"
_METADATA = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
release = _METADATA["version"]

# The Python API is read from the code, which imports a model.
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "cfsigned_django"]
)
django.setup()

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "sphinx_llm.txt"]
# Each argument stands on a line if one line would be longer.
maximum_signature_line_length = 72
autodoc_member_order = "bysource"
add_module_names = False
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

# For assistants: each page as Markdown beside it, and one list of them in English, llms.txt.
llms_txt_description = _METADATA["description"]
llms_txt_exclude = ["ko/**"]
llms_txt_nested_enabled = False
llms_txt_suffix_mode = "replace"

html_theme = "furo"
html_title = "cfsigned_django"
html_logo = html_favicon = "../demo_project/gallery/static/gallery/mark.svg"
#: The colors of the demo: site.css there has them by these names.
_PALETTES = {
    "light": {
        **{"paper": "#f8f6f1", "card": "#ffffff", "sunk": "#f0ede5", "line": "#e3dfd5"},
        **{"ink": "#1a1d23", "soft": "#59606c", "accent": "#0b5d66", "seen": "#6b3fa0"},
    },
    "dark": {
        **{"paper": "#111418", "card": "#191d23", "sunk": "#0c0f12", "line": "#2b3139"},
        **{"ink": "#eceae5", "soft": "#a2a9b4", "accent": "#63c5c6", "seen": "#c4a3f5"},
    },
}
html_theme_options = {
    f"{scheme}_css_variables": {
        "color-background-primary": colors["paper"],
        "color-background-secondary": colors["sunk"],
        "color-background-hover": colors["line"],
        "color-background-border": colors["line"],
        "color-foreground-primary": colors["ink"],
        "color-foreground-secondary": colors["soft"],
        "color-foreground-muted": colors["soft"],
        "color-brand-primary": colors["accent"],
        "color-brand-content": colors["accent"],
        "color-brand-visited": colors["seen"],
        "color-api-name": colors["accent"],
        "color-api-pre-name": colors["soft"],
        "color-code-background": colors["card"],
        "brightness": "80%" if scheme == "dark" else "100%",
        "color-scheme": scheme,
    }
    for scheme, colors in _PALETTES.items()
}
html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["pages.css"]
html_js_files = ["pages.js"]
html_copy_source = False
# Read the Docs sets it: a page that was found in an old version names the newest one.
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL", "")
html_search_scorer = str(Path(__file__).parent / "_static" / "search.js")

# The results of a search that began on a Korean page.
html_additional_pages = {"ko-search": "search.html"}

#: The pages that lead on: what they say of a link is what people look for.
_LEADING = ("index", "faq", "ko/index")

#: A Korean noun and its ending, for Python and JavaScript: 쿠키를, 쿠키로, 쿠키에서 are 쿠키, and
#: 서명된, 서명하면, 서명합니다 are 서명. Of the nouns of one syllable, 키. 10이 stays: no search
#: looks for 10.
_ENDING = (
    r"^(키|(?=.*\D.).{2,}?)(?:[하해했합한할함되돼됐됩된될됨][가-힣]*"
    r"|(?:에서|으로|까지|부터|마다|처럼|에게|[을를이가은는의에로와과도만])+)$"
)

#: What people type, as a pattern, and what the index has. The first that fits counts.
_SPELLINGS = {
    **{"장고": "django", "파이썬": "python", "셀러리": "celery", "와그테일": "wagtail"},
    **{"레스트": "rest", "서머노트": "summernote", "센트리": "sentry", "엔진엑스": "nginx"},
    **{"클라우드 ?프론트": "cloudfront", "클라우드 ?포메이션": "cloudformation"},
    **{"람다 ?엣지": "lambda edge", "람다": "lambda", "테라폼": "terraform"},
    **{"도커": "docker", "쿠버네티스": "kubernetes"},
    **{"시크릿 ?매니저": "secrets manager", "파라미터 ?스토어": "parameter store"},
    **{"볼트": "vault", "깃(?:허브)?": "github", "아이피": "ip"},
    **{"컨텐츠": "콘텐츠", "섬네일": "썸네일", "키 ?로테이션": "키 교체"},
    # Sphinx leaves numbers out, and the status of an answer is what people type.
    r"\b(?=[345]\d\d(?!\d))": "http",
}

#: Korean words that are in any question.
_ASKING = """
것 게 그 내 뜻 때 및 법 수 안 왜 이 제 좀 저 나요 나와요 돼요 되나요 되는 되는데 만드는
무엇 방법 볼 싶어요 쓰기 쓰는 어디 어떻게 얼마나 없어요 없는 있나요 있는 있어요
하기 하나요 하는 하려면 할 해요
"""

#: The words of the theme and of Sphinx on a Korean page.
_KOREAN = {
    "All pages": "모든 페이지",
    "Search": "검색",
    "Next": "다음",
    "Previous": "이전",
    "Home": "처음",
    "On this page": "이 페이지에서",
    "Back to top": "맨 위로",
    "Skip to content": "본문으로 건너뛰기",
    "Toggle Light / Dark / Auto color theme": "밝은 화면, 어두운 화면, 자동 중에서 바꾸기",
    "Toggle site navigation sidebar": "메뉴 열기, 닫기",
    "Toggle table of contents sidebar": "목차 열기, 닫기",
    "Danger": "위험",
    "Warning": "경고",
    "Important": "중요",
    "Note": "참고",
    "Tip": "도움말",
}


class Search(SearchEnglish):  # type: ignore[misc] # Sphinx is skipped.
    """Search English words, and Korean ones as the pages spell them, without their endings.

    A name with hyphens, such as the ID of a finding, is a word and its parts are.
    """

    stopwords = SearchEnglish.stopwords | set(_ASKING.split())
    js_splitter_code = rf"""
const spellings = {json.dumps(_SPELLINGS)};
var splitQuery = (query) => {{
  for (const [said, written] of Object.entries(spellings))
    query = query.replace(RegExp("(?<![가-힣])" + said, "g"), written);
  const words = /[\p{{Letter}}\p{{Number}}_]+/gu;
  const names = /[\p{{Letter}}\p{{Number}}_]+(-[\p{{Letter}}\p{{Number}}_]+)+/gu;
  return [...(query.match(words) ?? []), ...(query.match(names) ?? [])]
    .map((word) => word.replace(/{_ENDING}/, "$1"));
}};
"""

    def split(self, text: str) -> list[str]:
        """Return the words of a text, as splitQuery does in the browser."""
        for said, written in _SPELLINGS.items():
            text = re.sub(f"(?<![가-힣]){said}", written, text)
        words = [*super().split(text), *re.findall(r"\w+(?:-\w+)+", text)]
        return [re.sub(_ENDING, r"\1", word) for word in words]


class Setting(ConfigurationValue):  # type: ignore[misc] # Sphinx is skipped.
    """A setting with its type and default, and with the option of a storage."""

    option_spec = {**ConfigurationValue.option_spec, "option": directives.unchanged_required}

    def transform_content(self, content: nodes.Element) -> None:
        """Add the option to the type and the default."""
        super().transform_content(content)
        if option := self.options.get("option"):
            name, text = nodes.field_name("", "Option"), nodes.paragraph()
            text += nodes.literal("", option)
            content[0] += nodes.field("", name, nodes.field_body("", text))


class Options(SphinxDirective):  # type: ignore[misc] # Sphinx is skipped.
    """The arguments of a command, with the texts of its --help, each with an address."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the entries, without the arguments that every command of Django has."""
        (command,) = self.arguments
        parser = load_command_class("cfsigned_django", command).create_parser("manage.py", command)
        of_every_command = {"--help", *DjangoHelpFormatter.show_last}
        lines = [f"```{{program}} {command}", "```"]
        for each in parser._actions:
            if not of_every_command & set(each.option_strings):
                value = f" {each.metavar}" if each.metavar else ""
                names = [f"{name}{value}" for name in each.option_strings] or [each.dest]
                lines += [f"::::{{option}} {', '.join(names)}", f"{each.help}", "::::"]
        found: list[nodes.Node] = self.parse_text_to_nodes("\n".join(lines))
        return found


def setup(app: Sphinx) -> None:
    """Make the pages of ko/ Korean around their text, after the theme has made the sidebar."""
    app.add_search_language(Search)
    app.add_directive("options", Options)
    app.add_directive_to_domain("std", "confval", Setting, override=True)
    app.connect("source-read", _print)
    is_markdown = app.tags.has("sphinx_llm_markdown")
    app.connect("doctree-resolved", _write_stars if is_markdown else _break_names)
    app.connect("doctree-resolved", _name_in_search)
    app.connect("html-page-context", _group_pages, priority=900)
    app.connect("html-page-context", _speak_korean, priority=901)
    app.connect("build-finished", _finish)


def _print(app: Sphinx, name: str, source: list[str]) -> None:
    """Print into a page before it is read."""
    if name in PRINTED:
        source[0] = PRINTED[name](source[0])


def _write_stars(app: Sphinx, page: nodes.document, name: str) -> None:
    """Keep the * before arguments that need their name: Markdown has no node for its tooltip."""
    for star in [*page.findall(nodes.abbreviation)]:
        star.replace_self(nodes.Text(star.astext()))


def _break_names(app: Sphinx, page: nodes.document, name: str) -> None:
    """Let a long name in a table break between its words, and not within one, on a phone."""
    for cell in page.findall(nodes.entry):
        for code in cell.findall(nodes.literal):
            first, *others = re.split(r"(?<=[a-z])(?=[A-Z])|(?<=[_./:=(,])(?=\w)", code.astext())
            code.children = []
            code += nodes.Text(first)
            for each in others:
                code += [nodes.raw("", "<wbr>", format="html"), nodes.Text(each)]


def _name_in_search(app: Sphinx, page: nodes.document, name: str) -> None:
    """Let the search find a page by its {index} words, and by what the leading pages say of it."""
    for index in page.findall(addnodes.index):
        # Without the place, as a hit in the text has none: the page is listed once.
        index["entries"] = [
            (kind, words, "" if main else place, main, key)
            for kind, words, place, main, key in index["entries"]
        ]
    said = _said_by_leading(app.env).get(name, ())
    page += addnodes.index(entries=[("single", words, "", "main", None) for words in said])


@functools.cache
def _said_by_leading(env: BuildEnvironment) -> dict[str, set[str]]:
    """Return, by page, the texts of the rows and items that link to it."""
    said: dict[str, set[str]] = {}
    for leading in _LEADING:
        page = env.get_doctree(leading)
        for line in (*page.findall(nodes.list_item), *page.findall(nodes.row)):
            for link in line.findall(addnodes.pending_xref):
                said.setdefault(link["reftarget"], set()).add(line.astext().replace("\n", " "))
    return said


def _group_pages(app: Sphinx, page: str, template: str, context: Any, source: Any) -> None:
    """Show the captions of the lists of a branch in the sidebar: Sphinx has those of the root."""
    tree = BeautifulSoup(context["furo_navigation_tree"], "html.parser")
    items = {item.a["href"]: item for item in tree("li") if item.a}
    for each, toc in app.env.tocs.items():
        for listed in toc.findall(addnodes.toctree):
            if listed["caption"] and each != app.config.root_doc:
                caption = tree.new_tag("li", attrs={"class": "caption"})
                caption.string = listed["caption"]
                items[context["pathto"](listed["entries"][0][1])].insert_before(caption)
    context["furo_navigation_tree"] = str(tree)


def _speak_korean(app: Sphinx, page: str, template: str, context: Any, source: Any) -> None:
    """Name the language, for screen readers, and show the Korean pages alone."""
    if page.startswith("ko"):
        context["language"] = "ko"
        tree = BeautifulSoup(context["furo_navigation_tree"], "html.parser")
        branch = next(each for each in tree("li") if each.a and each.a.text.startswith("한국어"))
        context["furo_navigation_tree"] = f"<ul>{branch}</ul>"
        to_page = context["pathto"]
        context["pathto"] = lambda to, *more: to_page("ko-search" if to == "search" else to, *more)


#: What the theme and docutils write, and what a screen reader needs.
_CORRECTED = {
    'class="caption" role="heading"': 'class="caption"',
    '<aside class="sidebar-drawer"': '<aside class="sidebar-drawer" aria-label="All pages"',
    '<th class="head"><p></p></th>': "<td></td>",
    'alt="Logo"': 'alt=""',
}


#: Sphinx writes the arguments of a signature as a list of definitions without terms.
_ARGUMENT = re.compile(r'^<dd>(<em class="sig-param".*)</dd>$', re.MULTILINE)
_ARGUMENTS = re.compile(r'<dl>\n(?=<span class="sig-line">)|</dl>\s*(?=<span class="sig-paren">)')


def _finish(app: Sphinx, problem: Exception | None) -> None:
    """Correct what was written around the texts, and say it in Korean on Korean pages."""
    words = re.compile(rf'(?<=[>"])(\s*)({"|".join(_KOREAN)})(?=\s*["<])')
    for page in app.outdir.rglob("*.html"):
        text = page.read_text("utf-8")
        for written, corrected in _CORRECTED.items():
            text = text.replace(written, corrected)
        text = _ARGUMENTS.sub("", _ARGUMENT.sub(r'<span class="sig-line">\1</span>', text))
        if 'lang="ko"' in text:
            text = words.sub(lambda found: found[1] + _KOREAN[found[2]], text)
        page.write_text(text, "utf-8")
