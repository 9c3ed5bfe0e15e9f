"""Render ``{% signed_url %}``, and ``{% signed_urls %}``: one signature for all in a block."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages
from django.db import models
from django.template import Context, Engine, Template, TemplateSyntaxError
from django.test.utils import isolate_apps

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage
from tests.storage_cases import (
    DOMAIN,
    FILE_BACKEND,
    KEY_ID,
    NOW,
    ORIGIN,
    S3_BACKEND,
    InMemory,
    at,
    counted_signatures,
    options_for,
    parameters_of,
    verify,
)

PHOTOS = [f"albums/42/{number}.jpg" for number in range(20)]
LIBRARIES = {"cfsigned": "cfsigned_django.templatetags.cfsigned"}


@pytest.fixture(autouse=True)
def _storages(site: Any) -> None:
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


def render(text: str, **context: Any) -> str:
    """Return what a template with the tags gives, at NOW."""
    with at(NOW):
        return Template("{% load cfsigned %}" + text).render(Context(context))


def urls_of(text: str, **context: Any) -> list[str]:
    """Return the URLs that a template gives, one in each pair of brackets."""
    rendered = render(text, **context)
    return [html.unescape(url) for url in re.findall(r"\[(.*?)\]", rendered, re.DOTALL)]


def check(url: str, alias: str = "default", **request: Any) -> Any:
    """Return the policy by which CloudFront would serve the URL."""
    return verify(storages[alias], url, now=NOW, **request)  # type: ignore[arg-type]


# One URL


@pytest.mark.parametrize(
    ("tag", "start", "alias"),
    [
        ("'albums/사진 1.jpg'", f"{ORIGIN}/albums/%EC%82%AC%EC%A7%84%201.jpg", "default"),
        ("'a.jpg' storage=alias", "https://p.example.com/a.jpg", "private"),
        ("report.file", f"{ORIGIN}/reports/a%20b.pdf", "default"),
        ("report.image", f"{ORIGIN}/%EC%82%AC%EC%A7%84.jpg", "default"),
        ("report.plain storage='private'", "https://p.example.com/c.pdf", "private"),
    ],
)
def test_what_is_signed(tag: str, start: str, alias: str, report: Any) -> None:
    """Sign a name, or a field in its own storage, or in that of an alias."""
    (url,) = urls_of("[{% signed_url " + tag + " %}]", report=report, alias="private")
    assert url.startswith(f"{start}?Expires={NOW + 3600}&")
    assert check(url, alias).is_canned


def test_url_of_a_field(report: Any, ec_key: PrivateKey) -> None:
    """Give what {{ file.url }} gives, also of a storage that is none of this package's own."""
    first, second = urls_of("[{{ f.url }}][{% signed_url f %}]", f=report.file)
    assert first == second
    options = options_for(ec_key)
    del options["bucket_name"]
    storage = InMemory(base_url="/memory/", **options)
    field = models.FileField(storage=storage)
    value = field.attr_class(None, field, storage.save("a.txt", ContentFile(b"text")))  # type: ignore[arg-type]
    (url,) = urls_of("[{% signed_url f %}]", f=value)
    assert url.startswith(f"{ORIGIN}/memory/a.txt?")
    assert parameters_of(url)["Key-Pair-Id"] == KEY_ID


def test_nothing(report: Any) -> None:
    """Give an empty text for no name, no variable, and a field without a file."""
    for empty in (None, ""):
        assert render("[{% signed_url file %}]", file=empty) == "[]"
    for field in ("file", "image", "plain"):
        setattr(report, field, "")
        assert render("{% signed_url f as x %}[{{ x }}]", f=getattr(report, field)) == "[]"
    assert render("[{% signed_url file %}]") == "[]"


def test_escaping() -> None:
    """Escape the URL for HTML where it is shown, and leave no way out of an attribute."""
    tag = "<a href=\"{% signed_url 'a.jpg' %}\">"
    assert "&amp;Signature=" in render(tag)
    raw = render("{% autoescape off %}" + tag + "{% endautoescape %}")
    assert "&amp;" not in raw
    assert html.unescape(render(tag)) == raw
    stored = "{% signed_url 'a.jpg' as link %}"
    assert render(stored) == ""
    raw = render(stored + "{{ link|safe }}")
    assert check(raw).is_canned
    assert html.escape(raw) == render(stored + "{{ link }}")
    text = render("<img src='{% signed_url name %}'>", name="'\"><script>alert(1)</script>")
    assert text.count("'") == 2
    assert "<script" not in text
    assert "/it&#x27;s.jpg?" in render("{% signed_url 'it\\'s.jpg' %}")


@pytest.mark.parametrize("expire", ["300", "'300'", "three"])
def test_arguments(expire: str) -> None:
    """Pass every argument on to url(), and take seconds as a number, a text or a variable."""
    (url,) = urls_of(
        "[{% signed_url 'albums/42/1.jpg' storage='private' expire=" + expire + " expire_step='0'"
        " download='보고서 1.jpg' ip_address='192.0.2.0/24' resource='albums/42/*' %}]",
        three=300,
    )
    policy = check(url, "private", viewer_ip="192.0.2.9")
    assert policy.resource == "https://p.example.com/albums/42/*"
    assert policy.ip_address == "192.0.2.0/24"
    assert policy.date_less_than == NOW + 300
    assert "filename*=UTF-8''" in parameters_of(url)["response-content-disposition"]


# A block


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
    assert all(check(url).resource.endswith("/albums/42/*") for url in urls)


def test_block_arguments() -> None:
    """Give all URLs the block's arguments, and let one's own win."""
    one, other = urls_of(
        "{% signed_urls 'a*' expire=60 expire_step='300' ip_address='192.0.2.0/24' %}"
        "[{% signed_url 'a/1.jpg' %}]"
        "[{% signed_url 'a/1.jpg' resource='a/*' expire=90 expire_step=0 ip_address='192.0.2.7' %}]"
        "{% endsigned_urls %}"
    )
    policy = check(one)
    assert policy.ip_address == "192.0.2.0/24"
    assert 60 <= policy.date_less_than - NOW < 360
    policy = check(other)
    assert policy.resource.endswith("/a/*")
    assert policy.ip_address == "192.0.2.7/32"
    assert policy.date_less_than - NOW == 90


@pytest.mark.parametrize("title", ["42", "*", "a b", "사진"])
def test_folder(title: str) -> None:
    """Take a folder as data, in the block and in the tag: a `*` in its name opens one folder."""
    name = f"albums/{title}/1.jpg"
    urls = urls_of(
        "{% signed_urls folder=folder %}[{% signed_url name %}]{% endsigned_urls %}"
        "{% signed_urls 'x*' %}[{% signed_url name folder=folder %}]{% endsigned_urls %}",
        folder=f"albums/{title}",
        name=name,
    )
    end = storages["default"].unsigned_url(name).removesuffix("1.jpg") + "*"  # type: ignore[attr-defined]
    assert {check(url).resource for url in urls} == {end}


def test_where_a_block_reaches() -> None:
    """Follow the innermost block, in a template that is included as well, and none outside."""
    pages = {
        "photo": "{% load cfsigned %}{% signed_url 'a/1' as url %}[{{ url }}]",
        "page": "{% load cfsigned %}[{% signed_url 'a/1' %}]"
        "{% signed_urls 'a*' expire=60 %}{% include 'photo' %}"
        "{% signed_urls 'a/*' %}{% include 'photo' %}{% endsigned_urls %}"
        "[{% signed_url 'a/1' %}]{% endsigned_urls %}[{% signed_url 'a/1' %}]",
    }
    loader = ("django.template.loaders.locmem.Loader", pages)
    with at(NOW):
        text = Engine(libraries=LIBRARIES, loaders=[loader]).get_template("page").render(Context())
    policies = [check(html.unescape(url)) for url in re.findall(r"\[(.*?)\]", text)]
    found = [(each.resource.removeprefix(ORIGIN), each.date_less_than - NOW) for each in policies]
    alone = ("/a/1", 3600)
    assert found == [alone, ("/a*", 60), ("/a/*", 3600), ("/a*", 60), alone]


def test_storage_of_a_block() -> None:
    """Take names from the block's storage; sign what belongs to another one alone."""
    field = models.FileField(storage=storages["default"])
    of_private = models.FileField(storage=storages["private"])
    value, private = (each.attr_class(None, each, "a/1") for each in (field, of_private))  # type: ignore[arg-type]
    urls = urls_of(
        "{% signed_urls 'a/*' storage='private' %}[{% signed_url 'a/1' %}][{% signed_url p %}]"
        "[{{ p.url }}][{% signed_url f %}][{% signed_url 'a/1' storage='default' %}]"
        "{% endsigned_urls %}",
        f=value,
        p=private,
    )
    hosts = [("private", "*")] * 3 + [("default", "1")] * 2
    for url, (alias, covered) in zip(urls, hosts, strict=True):
        host = {"private": "p.example.com", "default": DOMAIN}[alias]
        assert check(url, alias).resource == f"https://{host}/a/{covered}"
        assert url.startswith(f"https://{host}/a/1?")


# Mistakes


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{% signed_url 'a.jpg' storage='nowhere' %}", r"'nowhere'.*default, plain, private"),
        ("{% signed_url 'a' storage=missing %}", "''"),
        ("{% signed_url 'a.jpg' storage='plain' %}", "'plain'"),
        ("{% signed_url plain %}", "Report.plain"),
        ("{% signed_url 'a.jpg' expire=0 %}", "expire"),
        ("{% signed_url 'a.jpg' expire='soon' %}", "'soon'"),
        ("{% signed_url 'a.jpg' expire='' %}", "expire"),
        ("{% signed_url 'a.jpg' expire=99999999 %}", "AWS_CLOUDFRONT_MAX_EXPIRE"),
        ("{% signed_url 'a' expire_step=-1 %}", "expire_step"),
        ("{% signed_url 'a' expire_step=9999999 %}", "AWS_CLOUDFRONT_EXPIRE_STEP"),
        ("{% signed_url 'a.jpg' ip_address='::1' %}", "ip_address"),
        ("{% signed_url 'a.jpg' download='' %}", "download"),
        ("{% signed_url 'a.jpg' resource='b/*' %}", "b/"),
        ("{% signed_url 'a.jpg' resource='https://x/*' %}", "https://x/"),
        ("{% signed_url '../a.jpg' %}", r"\.\."),
        ("{% signed_url 'a.jpg' 'b.jpg' %}", "signed_url"),
        ("{% signed_url 'a.jpg' size='large' %}", "'signed_url'.*'size'"),
        ("{% signed_url %}", "'signed_url'.*'file_or_name'"),
        ("{% signed_url 'a.jpg' expire=60 expire=61 %}", "'signed_url'.*'expire'"),
        ("{% signed_url number %}", "signed_url.*int"),
        ("{% signed_url list %}", "signed_url.*list"),
        ("{% signed_url 'https://media.example.com/a.jpg?Expires=1' %}", "signed_url"),
        ("{% signed_urls %}{% endsigned_urls %}", "signed_urls.*folder"),
        ("{% signed_urls folder='' %}{% signed_url 'a/b' %}{% endsigned_urls %}", "folder"),
        ("{% signed_url 'a/b' folder='a' resource='a/*' %}", "folder.*resource"),
        ("{% signed_urls 'a' download='b' %}{% endsigned_urls %}", "'signed_urls'.*'download'"),
        ("{% signed_urls 'a' as b %}{% endsigned_urls %}", "signed_urls"),
        ("{% signed_urls 'a' %}", "endsigned_urls"),
        ("{% signed_urls nothing %}{% signed_url 'b/c' %}{% endsigned_urls %}", "resource"),
        ("{% signed_urls 'a/*' storage='x' %}{% signed_url 'a/c' %}{% endsigned_urls %}", "'x'"),
        ("{% signed_urls 'a/*' expire=0 %}{% signed_url 'a/c' %}{% endsigned_urls %}", "expire"),
    ],
)
def test_mistakes(text: str, named: str, report: Any) -> None:
    """Refuse what makes no sense, with an error that names the tag and the argument."""
    with pytest.raises(TemplateSyntaxError, match=named) as raised:
        render(text, plain=report.plain, number=5, list=["a.jpg"])
    assert "signed_url" in str(raised.value)


def test_bad_settings(site: Any) -> None:
    """Let an error of the settings be one: no template can fix it."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    with pytest.raises(ImproperlyConfigured, match="E004"):
        render("{% signed_url 'a.jpg' %}")


# Pages that rely on signed cookies


def test_media_url() -> None:
    """Return the URL of a field or a name, unsigned; an empty field gives nothing."""
    field = models.FileField(storage=storages["private"])
    value = field.attr_class(None, field, "a/사진 1.jpg")  # type: ignore[arg-type]
    text = "{% media_url f %} {% media_url 'b.jpg' %} [{% media_url '' %}]"
    private = storages["private"].unsigned_url("a/사진 1.jpg")  # type: ignore[attr-defined]
    assert render(text, f=value) == f"{private} {ORIGIN}/b.jpg []"
    with pytest.raises(TemplateSyntaxError, match=r"media_url.*\.\."):
        render("{% media_url '../a.jpg' %}")


@pytest.mark.parametrize("nonce", ["", "r4nd0m"])
def test_signed_cookies_script(nonce: str, site: Any) -> None:
    """Name the site's own address, the token of CSRF, and the nonce if there is one."""
    text, site.ROOT_URLCONF = "{% signed_cookies_script %}", "tests.test_views"
    with pytest.raises(TemplateSyntaxError, match="include"):
        render(text)
    site.ROOT_URLCONF = "tests.cookies.test_middleware"
    found = render(text, csp_nonce=nonce, csrf_token="t0ken")
    assert 'data-url="/media/refresh/"' in found
    assert 'data-token="t0ken"' in found
    assert (f'nonce="{nonce}"' in found) == bool(nonce)
    assert len(found) < 1500
