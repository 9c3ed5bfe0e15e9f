"""Render ``{% signed_url %}``."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages
from django.db import models
from django.template import Context, Template, TemplateSyntaxError
from django.test.utils import isolate_apps

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage
from cfsigned_django.storage.urls import SignedUrlMixin
from tests.storage_cases import (
    DOMAIN,
    FILE_BACKEND,
    KEY_ID,
    S3_BACKEND,
    at,
    options_for,
    parameters_of,
    verify,
)

NOW = 1_775_000_000
ORIGIN = f"https://{DOMAIN}"


class InMemory(SignedUrlMixin, InMemoryStorage):
    """Sign the URLs of files in memory."""


@pytest.fixture(autouse=True)
def _storages(site: Any, rsa_key: PrivateKey) -> None:
    """Configure a default storage, another one that signs, and one that does not."""
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "private": {"BACKEND": FILE_BACKEND, "OPTIONS": {"custom_domain": "p.example.com"}},
        "plain": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }


@pytest.fixture
def report() -> Any:
    """Return an instance of a model with file fields."""
    with isolate_apps("cfsigned_django"):

        class Report(models.Model):  # noqa: DJ008 - nobody prints it
            file = models.FileField(storage=CloudFrontFileSystemStorage(base_url="/reports/"))
            image = models.ImageField()
            plain = models.FileField(storage=InMemoryStorage(base_url="/plain/"))

            class Meta:
                app_label = "cfsigned_django"

        return Report(file="a b.pdf", image="사진.jpg", plain="c.pdf")


def render(tag: str, **context: Any) -> str:
    """Return what a template with the tag gives, at NOW."""
    with at(NOW):
        return Template("{% load cfsigned %}" + tag).render(Context(context))


def url_of(tag: str, **context: Any) -> str:
    """Return the URL that the tag gives, unescaped."""
    return html.unescape(render(tag, **context))


def check(url: str, alias: str = "default", **request: Any) -> Any:
    """Return the policy by which CloudFront would serve the URL."""
    return verify(storages[alias], url, now=NOW, **request)  # type: ignore[arg-type]


def test_name() -> None:
    """Sign a name in the default storage."""
    url = url_of("{% signed_url 'albums/사진 1.jpg' %}")
    assert url.startswith(f"{ORIGIN}/albums/%EC%82%AC%EC%A7%84%201.jpg?Expires={NOW + 3600}&")
    assert check(url).is_canned


@pytest.mark.parametrize(
    ("field", "path"), [("file", "/reports/a%20b.pdf"), ("image", "/%EC%82%AC%EC%A7%84.jpg")]
)
def test_field(field: str, path: str, report: Any) -> None:
    """Sign the value of a file field or an image field, in its own storage."""
    url = url_of("{% signed_url file %}", file=getattr(report, field))
    assert url.startswith(f"{ORIGIN}{path}?Expires=")
    assert check(url).is_canned


def test_url_of_a_field(report: Any) -> None:
    """Give what {{ file.url }} gives, which is signed as well."""
    plain = url_of("{{ file.url }}", file=report.file)
    assert plain == url_of("{% signed_url file %}", file=report.file)


def test_field_in_a_template(report: Any) -> None:
    """Follow a dotted path to the file."""
    assert "/reports/" in render("{% signed_url report.file %}", report=report)


@pytest.mark.parametrize("empty", [None, "", "missing"], ids=repr)
def test_nothing(empty: str | None) -> None:
    """Give an empty text for an empty name, for none, and for a variable that is not there."""
    context = {} if empty == "missing" else {"file": empty}
    assert render("[{% signed_url file %}]", **context) == "[]"


@pytest.mark.parametrize("field", ["file", "image", "plain"])
def test_empty_field(field: str, report: Any) -> None:
    """Give an empty text for a field without a file, whatever its storage."""
    setattr(report, field, "")
    assert render("[{% signed_url file %}]", file=getattr(report, field)) == "[]"
    assert render("{% signed_url file as x %}[{{ x }}]", file=getattr(report, field)) == "[]"


def test_escaping() -> None:
    """Escape the URL for HTML, and not where autoescape is off."""
    tag = "<a href=\"{% signed_url 'a.jpg' %}\">"
    assert "&amp;Signature=" in render(tag)
    raw = render("{% autoescape off %}" + tag + "{% endautoescape %}")
    assert "&amp;" not in raw
    assert html.unescape(render(tag)) == raw


def test_as() -> None:
    """Keep the URL itself in a variable, escaped where it is shown."""
    tag = "{% signed_url 'a.jpg' as link %}"
    raw = render(tag + "{{ link|safe }}")
    assert check(raw).is_canned
    assert html.escape(raw) == render(tag + "{{ link }}")
    assert render(tag) == ""


def test_quotes_in_a_name() -> None:
    """Leave no way out of an attribute to a name."""
    text = render("<img src='{% signed_url name %}'>", name="'\"><script>alert(1)</script>")
    assert text.count("'") == 2
    assert "<script" not in text


@pytest.mark.parametrize("storage", ["private", "default"])
def test_storage(storage: str) -> None:
    """Sign a name in the storage of an alias, which a variable may hold."""
    url = url_of("{% signed_url 'a.jpg' storage=alias %}", alias=storage)
    domain = {"private": "p.example.com", "default": DOMAIN}[storage]
    assert url.startswith(f"https://{domain}/a.jpg?")
    assert check(url, storage).is_canned


def test_storage_over_that_of_the_field(report: Any) -> None:
    """Let an alias win over the storage of the field."""
    url = url_of("{% signed_url file storage='private' %}", file=report.plain)
    assert url.startswith("https://p.example.com/c.pdf?")


@pytest.mark.parametrize("expire", ["300", "'300'", "three"])
def test_expire(expire: str) -> None:
    """Take seconds as a number, a text or a variable."""
    url = url_of("{% signed_url 'a.jpg' expire=" + expire + " %}", three=300)
    assert parameters_of(url)["Expires"] == str(NOW + 300)


def test_all_arguments() -> None:
    """Pass every argument on to url()."""
    url = url_of(
        "{% signed_url 'albums/42/1.jpg' storage='private' expire=60 download='보고서 1.jpg' "
        "ip_address='192.0.2.0/24' resource='albums/42/*' %}"
    )
    policy = check(url, "private", viewer_ip="192.0.2.9")
    assert policy.resource == "https://p.example.com/albums/42/*"
    assert policy.ip_address == "192.0.2.0/24"
    assert policy.date_less_than == NOW + 60
    assert "filename*=UTF-8''" in parameters_of(url)["response-content-disposition"]


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("{% signed_url 'a.jpg' storage='nowhere' %}", r"no storage 'nowhere'.*default, p"),
        ("{% signed_url 'a.jpg' storage='plain' %}", "'plain' does not sign"),
        ("{% signed_url plain %}", "does not sign URLs"),
        ("{% signed_url 'a.jpg' expire=0 %}", "expire is 0"),
        ("{% signed_url 'a.jpg' expire='soon' %}", "expire is 'soon'"),
        ("{% signed_url 'a.jpg' expire='' %}", "expire is ''"),
        ("{% signed_url 'a.jpg' expire=99999999 %}", "MAX_EXPIRE"),
        ("{% signed_url 'a.jpg' ip_address='::1' %}", "IPv4 only"),
        ("{% signed_url 'a.jpg' download='' %}", "download is"),
        ("{% signed_url 'a.jpg' resource='b/*' %}", "does not cover"),
        ("{% signed_url 'a.jpg' resource='https://x/*' %}", "give it as a name"),
        ("{% signed_url '../a.jpg' %}", r"holds '\.\.'"),
        ("{% signed_url 'a.jpg' 'b.jpg' %}", "signed_url"),
        ("{% signed_url 'a.jpg' size='large' %}", "'signed_url'.*'size'"),
        ("{% signed_url %}", "'signed_url'.*'file_or_name'"),
        ("{% signed_url 'a.jpg' expire=60 expire=61 %}", "'signed_url'.*'expire'"),
    ],
)
def test_mistakes(tag: str, message: str, report: Any) -> None:
    """Refuse an argument that makes no sense, with an error that names the tag."""
    with pytest.raises(TemplateSyntaxError, match=message) as raised:
        render(tag, plain=report.plain)
    assert "signed_url" in str(raised.value)


def test_bad_settings(site: Any) -> None:
    """Let an error of the settings be one: no template can mend it."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    with pytest.raises(ImproperlyConfigured, match="E004"):
        render("{% signed_url 'a.jpg' %}")


def test_storage_of_the_site(ec_key: PrivateKey) -> None:
    """Sign the file of a storage that is none of this package's own."""
    options = options_for(ec_key)
    del options["bucket_name"]
    storage = InMemory(base_url="/memory/", **options)
    name = storage.save("a.txt", ContentFile(b"text"))
    field = models.FileField(storage=storage)
    value = field.attr_class(None, field, name)  # type: ignore[arg-type]
    url = url_of("{% signed_url file %}", file=value)
    assert url.startswith(f"{ORIGIN}/memory/a.txt?")
    assert parameters_of(url)["Key-Pair-Id"] == KEY_ID


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (5, "got a int"),
        (["a.jpg"], "got a list"),
        ("https://media.example.com/a.jpg?Expires=1", "got a URL"),
    ],
)
def test_what_is_no_name(given: Any, message: str) -> None:
    """Refuse to sign what is neither a file field nor a name."""
    with pytest.raises(TemplateSyntaxError, match=message):
        Template("{% load cfsigned %}{% signed_url given %}").render(Context({"given": given}))


def test_alias_that_is_undefined() -> None:
    """Refuse an alias from a variable that does not exist, instead of signing elsewhere."""
    with pytest.raises(TemplateSyntaxError, match="there is no storage ''"):
        Template('{% load cfsigned %}{% signed_url "a" storage=missing %}').render(Context())
