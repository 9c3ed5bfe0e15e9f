"""Render ``{% signed_url %}``, and ``{% signed_urls %}``: one signature for all in a block."""

from __future__ import annotations

import html
import re
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.template import Context, Template, TemplateSyntaxError

from cfsigned_django.signing import Policy
from tests.storage_cases import (
    NOW,
    ORIGIN,
    at,
    counted_signatures,
    file_of,
    not_refused,
    parameters_of,
    verify,
)

pytestmark = pytest.mark.usefixtures("aliases")


def render(text: str, **context: Any) -> str:
    """Return what a template with the tags gives, at NOW."""
    with at(NOW):
        return Template("{% load cfsigned %}" + text).render(Context(context))


def urls_of(text: str, **context: Any) -> list[str]:
    """Return the URLs that a template gives, one in each pair of brackets."""
    rendered = render(text, **context)
    return [html.unescape(url) for url in re.findall(r"\[(.*?)\]", rendered, re.DOTALL)]


def check(url: str, alias: str = "default", viewer_ip: str = "192.0.2.7") -> Policy:
    """Return the policy by which CloudFront would serve the URL."""
    return verify(alias, url, now=NOW, viewer_ip=viewer_ip)


# One URL


@pytest.mark.parametrize(
    ("tag", "start", "alias"),
    [
        ("'a.jpg' storage=alias", "https://o.example.com/a.jpg", "other"),
        ("file", "https://o.example.com/a%20b.pdf", "other"),
        ("file storage='default'", f"{ORIGIN}/a%20b.pdf", "default"),
    ],
)
def test_what_is_signed(tag: str, start: str, alias: str) -> None:
    """Sign a name, or a field in its own storage, or in that of an alias."""
    file = file_of("a b.pdf", storages["other"])
    (url,) = urls_of("[{% signed_url " + tag + " %}]", file=file, alias="other")
    assert url.startswith(f"{start}?Expires={NOW + 3600}&")
    assert check(url, alias).is_canned


@pytest.mark.parametrize("context", [{}, {"file": None}, {"file": file_of("")}], ids=str)
def test_nothing(context: Any) -> None:
    """Give an empty text for no variable, no name, and a field without a file."""
    assert render("{% signed_url file as x %}[{{ x }}]{% signed_url file %}", **context) == "[]"


def test_escaping() -> None:
    """Let Django escape the URL where it is shown: no name leads out of an attribute."""
    text = render("<img src='{% signed_url name %}'>", name="it's\"><script>alert(1)</script>")
    assert text.count("'") == 2
    assert "<script" not in text
    assert "&amp;Signature=" in text
    assert check(render("{% signed_url 'a.jpg' as link %}{{ link|safe }}")).is_canned


@pytest.mark.parametrize("expire", ["300", "'300'", "three"])
def test_arguments(expire: str) -> None:
    """Pass every argument on to url(), and take seconds as a number, a text or a variable."""
    tag = (
        "[{% signed_url 'albums/42/1.jpg' storage='other' expire=" + expire + " expire_step='0'"
        " ip_address='192.0.2.0/24' "
    )
    for others, shown in (
        ("download='보고서 1.jpg' resource='albums/42/*' %}]", "attachment; "),
        ("inline='보고서 1.jpg' folder='albums/42' %}]", "inline; "),
    ):
        (url,) = urls_of(tag + others, three=300)
        policy = check(url, "other", viewer_ip="192.0.2.9")
        assert policy.resource == "https://o.example.com/albums/42/*"
        assert policy.ip_address == "192.0.2.0/24"
        assert policy.date_less_than == NOW + 300
        assert parameters_of(url)["response-content-disposition"].startswith(shown)


# A block


def test_block_arguments() -> None:
    """Sign once for all names of a block, whose folder is data, as it says; let one's own win."""
    with counted_signatures() as signatures:
        *photos, other = urls_of(
            "{% signed_urls folder=album storage='other' expire=60 expire_step='300'"
            " ip_address='192.0.2.0/24' %}"
            "{% for name in photos %}[{% signed_url name %}]{% endfor %}"
            "[{% signed_url 'a/1.jpg' storage='default' resource='a/*' expire=90 expire_step=0"
            " ip_address='192.0.2.7' %}]{% endsigned_urls %}",
            album="albums/42*",
            photos=[f"albums/42*/{number}.jpg" for number in range(20)],
        )
    assert (len(signatures), len({*photos})) == (2, 20)
    for policy in (check(photo, "other") for photo in photos):
        assert policy.resource == "https://o.example.com/albums/42%2A/*"
        assert policy.ip_address == "192.0.2.0/24"
        assert 60 <= policy.date_less_than - NOW < 360
    policy = check(other)
    assert policy.resource.endswith("/a/*")
    assert policy.ip_address == "192.0.2.7/32"
    assert policy.date_less_than - NOW == 90


def test_where_a_block_reaches() -> None:
    """Follow the innermost block, in a template that is included as well, and none outside."""
    urls = urls_of(
        "[{% signed_url 'a/1' %}]{% signed_urls 'a*' expire=60 %}{% include photo %}"
        "{% signed_urls 'a/*' %}{% include photo %}{% endsigned_urls %}"
        "[{% signed_url 'a/1' %}]{% endsigned_urls %}{% include photo %}",
        photo=Template("{% load cfsigned %}[{% signed_url 'a/1' %}]"),
    )
    found = [(each.resource.removeprefix(ORIGIN), each.date_less_than) for each in map(check, urls)]
    alone, within = ("/a/1", NOW + 3600), ("/a*", NOW + 60)
    assert found == [alone, within, ("/a/*", NOW + 3600), within, alone]


# Mistakes


#: Templates that make no sense, and what the error must name.
MISTAKES: list[tuple[str, str]] = [
    # One of each error that the function raises
    ("{% signed_url number %}", "signed_url.*int"),
    ("{% signed_url 'a.jpg' expire='soon' %}", "'soon'"),
    ("{% signed_url 'a.jpg' storage='nowhere' %}", r"'nowhere'.*default, other, plain, public"),
    ("{% signed_url '../a.jpg' %}", r"\.\."),
    ("{% media_url '../a.jpg' %}", r"media_url.*\.\."),
    ("{% signed_urls folder='' %}{% signed_url 'a/b' %}{% endsigned_urls %}", "folder"),
    ("{% signed_urls 'a/*' expire=0 %}{% signed_url 'a/c' %}{% endsigned_urls %}", "expire"),
    # What the tags themselves refuse
    ("{% signed_url %}", "'signed_url'.*'file_or_name'"),
    ("{% signed_url 'a.jpg' size='large' %}", "'signed_url'.*'size'"),
    ("{% signed_urls %}{% endsigned_urls %}", "signed_urls.*folder"),
    ("{% signed_urls 'a' download='b' %}{% endsigned_urls %}", "'signed_urls'.*'download'"),
    ("{% signed_urls 'a' as b %}{% endsigned_urls %}", "signed_urls"),
    ("{% signed_urls 'a' %}", "endsigned_urls"),
]


def test_mistakes() -> None:
    """Refuse what makes no sense, with an error that names the tag and the argument."""
    wrong = {}
    for text, argument in MISTAKES:
        for named in ("_url", argument):
            if seen := not_refused(TemplateSyntaxError, named, partial(render, text, number=5)):
                wrong[text] = seen
    assert wrong == {}


def test_bad_settings(site: Any) -> None:
    """An error of the settings stays one: no template can fix it."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    for text in ("{% signed_url 'a.jpg' %}", "{% signed_urls 'a/*' %}{% endsigned_urls %}"):
        with pytest.raises(ImproperlyConfigured, match="E004"):
            render(text)


# Pages that rely on signed cookies


def test_media_url() -> None:
    """Return the URL of a field or a name, unsigned; an empty field gives nothing."""
    text = "{% media_url f %} {% media_url 'b.jpg' storage='other' %} [{% media_url '' %}]"
    found = render(text, f=file_of("a/사진.jpg", storages["other"]))
    assert found == "https://o.example.com/a/%EC%82%AC%EC%A7%84.jpg https://o.example.com/b.jpg []"


@pytest.mark.parametrize("nonce", ["", "r4nd0m"])
def test_signed_cookies_script(nonce: str, site: Any) -> None:
    """Name the site's own address, the token of CSRF, and the nonce if there is one."""
    text, site.ROOT_URLCONF = "{% signed_cookies_script %}", "tests.views.test_files"
    with pytest.raises(TemplateSyntaxError, match="include"):
        render(text)
    site.ROOT_URLCONF = "tests.cookies.test_middleware"
    found = render(text, csp_nonce=nonce, csrf_token="t0ken")
    assert 'data-url="/media/refresh/"' in found
    assert 'data-token="t0ken"' in found
    assert (f'nonce="{nonce}"' in found) == bool(nonce)
    assert len(found) < 1500
