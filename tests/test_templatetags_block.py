"""Render ``{% signed_urls %}``: one signature for all URLs in a block."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import models
from django.template import Context, Engine, Template, TemplateSyntaxError

from tests.storage_cases import (
    FILE_BACKEND,
    S3_BACKEND,
    at,
    counted_signatures,
    parameters_of,
    verify,
)

NOW = 1_775_000_000
PHOTOS = [f"albums/42/{number}.jpg" for number in range(20)]


@pytest.fixture(autouse=True)
def _storages(site: Any) -> None:
    """Configure two storages that sign."""
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "private": {"BACKEND": FILE_BACKEND, "OPTIONS": {"custom_domain": "p.example.com"}},
    }


def urls_of(text: str, **context: Any) -> list[str]:
    """Return the URLs that a template gives, one in each pair of brackets."""
    with at(NOW):
        rendered = Template("{% load cfsigned %}" + text).render(Context(context))
    return [html.unescape(url) for url in re.findall(r"\[(.*?)\]", rendered, re.DOTALL)]


def policy_of(url: str, alias: str = "default", **request: Any) -> Any:
    """Return the policy by which CloudFront would serve the URL."""
    return verify(storages[alias], url, now=NOW, **request)  # type: ignore[arg-type]


def test_one_signature() -> None:
    """Sign once for all names of the block."""
    with counted_signatures() as signatures:
        urls = urls_of(
            "{% signed_urls album %}{% for name in photos %}[{% signed_url name %}]{% endfor %}"
            "{% endsigned_urls %}",
            album="albums/42/*",
            photos=PHOTOS,
        )
    assert len(signatures) == 1
    assert len(set(urls)) == len(PHOTOS)
    assert all(policy_of(url).resource.endswith("/albums/42/*") for url in urls)


def test_after_the_block() -> None:
    """Sign a name for itself before and after the block."""
    tag = "[{% signed_url 'albums/42/1.jpg' %}]"
    urls = urls_of(f"{tag}{{% signed_urls 'albums/42/*' %}}{tag}{{% endsigned_urls %}}{tag}")
    assert ["Policy" in parameters_of(url) for url in urls] == [False, True, False]


def test_arguments() -> None:
    """Give all URLs the block's arguments, and let one's own win."""
    one, other = urls_of(
        "{% signed_urls 'a*' expire=60 expire_step='300' ip_address='192.0.2.0/24' %}"
        "[{% signed_url 'a/1.jpg' %}]"
        "[{% signed_url 'a/1.jpg' resource='a/*' expire=90 expire_step=0 ip_address='192.0.2.7' %}]"
        "{% endsigned_urls %}"
    )
    policy = policy_of(one)
    assert policy.ip_address == "192.0.2.0/24"
    assert 60 <= policy.date_less_than - NOW < 360
    policy = policy_of(other)
    assert policy.resource.endswith("/a/*")
    assert policy.ip_address == "192.0.2.7/32"
    assert policy.date_less_than - NOW == 90


def test_block_in_a_block() -> None:
    """Follow the inner one of two blocks."""
    urls = urls_of(
        "{% signed_urls 'a*' expire=60 %}[{% signed_url 'a/1' %}]{% signed_urls 'a/*' %}"
        "[{% signed_url 'a/1' %}]{% endsigned_urls %}[{% signed_url 'a/1' %}]{% endsigned_urls %}"
    )
    resources = [policy_of(url).resource.partition("/media.example.com")[2] for url in urls]
    assert resources == ["/a*", "/a/*", "/a*"]
    assert [policy_of(url).date_less_than - NOW for url in urls] == [60, 3600, 60]


def test_included_template() -> None:
    """Reach into a template that is included, and store with as."""
    engine = Engine(
        libraries={"cfsigned": "cfsigned_django.templatetags.cfsigned"},
        loaders=[
            (
                "django.template.loaders.locmem.Loader",
                {
                    "photo": "{% load cfsigned %}{% signed_url 'a/1' as url %}[{{ url }}]",
                    "page": "{% load cfsigned %}{% signed_urls 'a/*' %}{% include 'photo' %}"
                    "{% endsigned_urls %}",
                },
            )
        ],
    )
    text = html.unescape(engine.get_template("page").render(Context()))
    assert verify(storages["default"], text.strip("[]")).resource.endswith("/a/*")  # type: ignore[arg-type]


def test_storage() -> None:
    """Take the resource within the storage of each name."""
    urls = urls_of(
        "{% signed_urls 'a*' %}[{% signed_url 'a' %}][{% signed_url 'a' storage='private' %}]"
        "{% endsigned_urls %}"
    )
    assert policy_of(urls[0]).resource == "https://media.example.com/a*"
    assert policy_of(urls[1], "private").resource == "https://p.example.com/a*"


def test_storage_of_the_block() -> None:
    """Take the names of the block from its storage, but for one that says another."""
    urls = urls_of(
        "{% signed_urls 'a/*' storage='private' %}[{% signed_url 'a/1' %}]"
        "[{% signed_url 'a/1' storage='default' %}]{% endsigned_urls %}[{% signed_url 'a/1' %}]"
    )
    hosts = [url.partition("/a/1?")[0].removeprefix("https://") for url in urls]
    assert hosts == ["p.example.com", "media.example.com", "media.example.com"]
    assert policy_of(urls[0], "private").resource == "https://p.example.com/a/*"


def test_storage_of_the_block_and_a_field() -> None:
    """Give a field within the block what storage= of its own tag would give it."""
    field = models.FileField(storage=storages["default"])
    value = field.attr_class(None, field, "a/1.jpg")  # type: ignore[arg-type]
    in_block, alone = urls_of(
        "{% signed_urls 'a/*' storage='private' %}[{% signed_url f %}]{% endsigned_urls %}"
        "[{% signed_url f storage='private' resource='a/*' %}]",
        f=value,
    )
    assert in_block == alone


def test_field() -> None:
    """Sign the value of a file field in the block."""
    field = models.FileField(storage=storages["private"])
    value = field.attr_class(None, field, "a/1.jpg")  # type: ignore[arg-type]
    (url,) = urls_of("{% signed_urls 'a/*' %}[{% signed_url f %}]{% endsigned_urls %}", f=value)
    assert policy_of(url, "private").resource.endswith("/a/*")


def test_quotes_in_a_name() -> None:
    """Escape a quote that stands in a name."""
    with at(NOW):
        text = Template("{% load cfsigned %}{% signed_url 'it\\'s.jpg' %}").render(Context())
    assert "/it&#x27;s.jpg?" in text
    assert "&amp;Signature=" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% signed_urls %}{% endsigned_urls %}", "'signed_urls'.*'resource'"),
        ("{% signed_urls 'a' 'b' %}{% endsigned_urls %}", "signed_urls"),
        ("{% signed_urls 'a' download='b' %}{% endsigned_urls %}", "'signed_urls'.*'download'"),
        ("{% signed_urls 'a' as b %}{% endsigned_urls %}", "is a block"),
        ("{% signed_urls 'a' %}", "endsigned_urls"),
        ("{% signed_urls 'a/*' %}{% signed_url 'b/c' %}{% endsigned_urls %}", "does not cover"),
        ("{% signed_urls nothing %}{% signed_url 'b/c' %}{% endsigned_urls %}", "resource is ''"),
        (
            "{% signed_urls 'a/*' storage='x' %}{% signed_url 'a/c' %}{% endsigned_urls %}",
            "no storage 'x'",
        ),
        ("{% signed_urls 'a/*' expire=0 %}{% signed_url 'a/c' %}{% endsigned_urls %}", "expire is"),
        ("{% signed_url 'a' expire_step=-1 %}", "expire_step is"),
        ("{% signed_url 'a' expire_step=9999999 %}", "AWS_CLOUDFRONT_EXPIRE_STEP"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    """Refuse what makes no sense, with an error that names the tag."""
    with pytest.raises(TemplateSyntaxError, match=message):
        urls_of(text)
