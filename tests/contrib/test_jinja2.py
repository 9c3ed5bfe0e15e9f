"""Sign URLs in Jinja2 templates, of Django's own backend and of django-jinja."""

from __future__ import annotations

import asyncio
import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import InvalidStorageError, storages
from django.template import TemplateSyntaxError, engines
from django_jinja.builtins import DEFAULT_EXTENSIONS
from jinja2 import Environment, TemplateSyntaxError as Jinja2SyntaxError

from cfsigned_django.shortcuts import signed_urls
from tests.storage_cases import NOW, ORIGIN, at, counted_signatures, file_of, verify

EXTENSION = "cfsigned_django.contrib.jinja2.CfsignedExtension"
PAGES = {
    "photo.html": "[{{ photo.url }}][{{ signed_url(photo) }}]",
    "base.html": "{% signed_urls folder='a' %}{% block body %}{% endblock %}{% endsigned_urls %}",
    "child.html": "{% extends 'base.html' %}{% block body %}{{ super() }}[{{ signed_url('a/1') }}]"
    "{% endblock %}",
    "macros.html": "{% macro show(name) %}[{{ signed_url(name) }}]{% endmacro %}",
}


@pytest.fixture(params=["django.template.backends.jinja2.Jinja2", "django_jinja.jinja2.Jinja2"])
def backend(request: pytest.FixtureRequest, aliases: Any, tmp_path: Path) -> str:
    """Configure a site whose templates are Jinja2's."""
    for name, text in PAGES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    options: dict[str, Any] = {"extensions": [EXTENSION]}
    if "django_jinja" in request.param:
        options = {"extensions": [*DEFAULT_EXTENSIONS, EXTENSION], "match_extension": ".html"}
    aliases.TEMPLATES = [{"BACKEND": request.param, "DIRS": [tmp_path], "OPTIONS": options}]
    return str(request.param)


def render(text: str, **context: Any) -> str:
    """Return what a template gives, at NOW."""
    (engine,) = engines.all()
    with at(NOW):
        return engine.from_string(text).render(context)


def urls_of(text: str, **context: Any) -> list[str]:
    """Return the URLs that a template gives, one in each pair of brackets."""
    return [html.unescape(url) for url in re.findall(r"\[(.*?)\]", render(text, **context))]


def opens(url: str, alias: str = "default") -> str:
    """Return what a URL opens."""
    return verify(alias, url, now=NOW).resource


def test_one_url(backend: str) -> None:
    """Sign a field or a name, with the arguments of signed_url()."""
    photo = file_of("사진 1.jpg", storages["other"])
    first, second, third, unsigned, nothing = urls_of(
        "[{{ signed_url(photo) }}][{{ photo.url }}]"
        "[{{ signed_url('a/1', storage='other', expire=60, folder='a') }}]"
        "[{{ unsigned_url('a/1') }}]"
        "[{{ signed_url('') }}{{ signed_url(nothing) }}{{ unsigned_url(none) }}]",
        photo=photo,
    )
    assert first == second
    assert opens(first, "other") == first.partition("?")[0]
    assert opens(third, "other") == "https://o.example.com/a/*"
    assert (unsigned, nothing) == (f"{ORIGIN}/a/1", "")


def test_download(backend: str) -> None:
    """Give the file's own name to a record without a title, and no name for no."""
    saved, shown, neither = urls_of(
        "[{{ signed_url('a/1.jpg', download=title) }}][{{ signed_url('a/1.jpg', inline=true) }}]"
        "[{{ signed_url('a/1.jpg', download=false, inline=none) }}]",
        title="",
    )
    assert "disposition=attachment%3B%20filename%3D%221.jpg%22" in saved
    assert "disposition=inline%3B%20filename%3D%221.jpg%22" in shown
    assert "disposition" not in neither


def test_escaping(backend: str) -> None:
    """Escape the URL in HTML, leave no way out of an attribute, and keep it whole in a script."""
    tag = "{{ signed_url('a.jpg', download='b.jpg') }}"
    escaped = render(f'<img src="{tag}">')
    assert escaped.count("&amp;") == escaped.count("&")
    raw = render('{% autoescape false %}<img src="' + tag + '">{% endautoescape %}')
    assert html.unescape(escaped) == raw != escaped
    block = "{% signed_urls 'a*' %}" + tag + "<br>{% endsigned_urls %}"
    assert "&amp;Key-Pair-Id=" in render(block)
    assert "<br>" in render(block)
    assert "&amp;amp;" not in render(block)
    text = render("<img src='{{ signed_url(name) }}'>", name="'\"><script>alert(1)</script>")
    assert text.count("'") == 2
    assert "<script" not in text


@pytest.mark.parametrize(
    "within",
    [
        "{% include 'photo.html' %}",
        "{% for photo in [photo, photo] %}[{{ photo.url }}]{% endfor %}",
        "{% from 'macros.html' import show %}{{ show(photo.name) }}",
        "{% if photo %}{% set name = photo.name %}[{{ signed_url(name) }}]{% endif %}",
    ],
)
def test_one_signature_for_a_block(backend: str, within: str) -> None:
    """Sign once for all URLs within, in what is included, looped over and called as well."""
    text = "{% signed_urls folder='a', expire=60 %}" + within + "{% endsigned_urls %}"
    with counted_signatures() as signatures:
        urls = urls_of(text + "[{{ signed_url('a/1') }}]", photo=file_of("a/사진.jpg"))
    *within_block, outside = urls
    assert {opens(url) for url in within_block} == {f"{ORIGIN}/a/*"}
    assert opens(outside) == f"{ORIGIN}/a/1"
    assert len(signatures) == 2


def test_text_of_an_editor(backend: str) -> None:
    """Sign for the folders of the filter what is safe, escape the rest, and refuse no folder."""
    body = f"<img src={ORIGIN}/a/1><img src={ORIGIN}/b/2><img src={ORIGIN}/c/3>"
    for folders in ("'a, b'", "['a', 'b'], storage='default', expire=60"):
        text = render("{{ body|safe|signed_html(" + folders + ") }}", body=body)
        names = [url.removeprefix(ORIGIN) for url in re.findall(r"src=([^?>]*)\?", text)]
        assert names == ["/a/1", "/b/2"]
        assert text.endswith(f"<img src={ORIGIN}/c/3>")
    assert "<" not in render("{{ body|signed_html('a') }}", body=body)
    for folder in ("''", "nothing", "'*'", "none"):
        with pytest.raises(ValueError, match="folder is"):
            render("{{ body|safe|signed_html(" + folder + ") }}", body=body)


def test_several_resources(backend: str) -> None:
    """Take folders and resources, made of variables, and a storage, with a comma between them."""
    urls = urls_of(
        "{% signed_urls ('thumbs/' ~ '*'), album ~ '/*', folder=[album, 'b'], storage='other' %}"
        "[{{ signed_url('thumbs/1') }}][{{ signed_url('a/1') }}][{{ signed_url('b/1') }}]"
        "[{{ signed_url('c/1') }}]{% endsigned_urls %}",
        album="a",
    )
    assert [opens(url, "other").rpartition(".com/")[2] for url in urls] == [
        "thumbs/*",
        "a/*",
        "b/*",
        "c/1",
    ]


def test_block_of_a_base_template(backend: str) -> None:
    """The block of a base template covers what a child puts into it."""
    (engine,) = engines.all()
    with at(NOW):
        text = engine.get_template("child.html").render({})
    assert opens(html.unescape(text[1:-1])) == f"{ORIGIN}/a/*"


@pytest.mark.parametrize(
    ("text", "error", "named"),
    [
        ("{% signed_urls folder=nothing %}{% endsigned_urls %}", ValueError, "folder"),
        ("{% signed_urls 'a/*', size=1 %}{% endsigned_urls %}", TypeError, "size"),
        ("{{ signed_url('a', storage='nowhere') }}", InvalidStorageError, "nowhere"),
    ],
)
def test_mistakes(backend: str, text: str, error: type[Exception], named: str) -> None:
    """Refuse what makes no sense, with the error of the function."""
    with pytest.raises(error, match=named):
        render(text)


@pytest.mark.parametrize(
    "text",
    [
        "{% signed_urls 'a' %}",
        "{% signed_urls 'a' 'b' %}{% endsigned_urls %}",
        "{% signed_urls 'a' folder='b' %}{% endsigned_urls %}",
        "{% endsigned_urls %}",
    ],
)
def test_syntax_errors(backend: str, text: str) -> None:
    """Refuse a block without an end or a beginning, and arguments without a comma."""
    with pytest.raises((TemplateSyntaxError, Jinja2SyntaxError)):
        render(text)


def test_async_environment(aliases: Any) -> None:
    """Refuse the block of an environment that renders its body later; sign single URLs there."""
    environment = Environment(extensions=[EXTENSION], enable_async=True, autoescape=True)
    with pytest.raises(Jinja2SyntaxError, match="enable_async"):
        environment.from_string("{% signed_urls 'a/*' %}{{ photo.url }}{% endsigned_urls %}")
    template = environment.from_string("{{ signed_url('a/1')|safe }}")
    with at(NOW):
        assert opens(asyncio.run(template.render_async())) == f"{ORIGIN}/a/1"
        with signed_urls("a/*"):
            assert opens(asyncio.run(template.render_async())) == f"{ORIGIN}/a/*"
