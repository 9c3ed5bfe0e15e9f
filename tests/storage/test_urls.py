"""name_of(), the inverse of url(), and the option ``public``: an edge opens just what it names.

Modules: tools/storage_origin.py
"""

from __future__ import annotations

import html
import posixpath
import random
import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.widgets import AdminFileWidget
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import models
from django.db.models.fields.files import FieldFile
from django.utils.safestring import mark_safe
from hypothesis import given, settings as hypothesis, strategies as st

from cfsigned_django.shortcuts import signed_url, signed_urls
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage, SignedUrlMixin
from cfsigned_django.storage.context import watch_expiry
from cfsigned_django.testing import edge_for
from cfsigned_django.tools.edge import Behavior
from cfsigned_django.tools.edge.behavior import select_behavior
from cfsigned_django.tools.model.behaviors import matches
from cfsigned_django.tools.storage_origin import choose_public
from tests.storage_cases import BOTH, FILE_BACKEND, ORIGIN, InMemory, OfTenant, Tenant, not_refused

PARTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\\\0\n"), min_size=1, max_size=20
).filter(lambda part: part not in {".", ".."})
#: Names as save() returns them.
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)

KINDS: dict[str, Callable[[], SignedUrlMixin]] = {
    "plain": CloudFrontS3Storage,
    "location": partial(CloudFrontS3Storage, location="미디어 50%*/%2A"),
    "port": partial(CloudFrontS3Storage, custom_domain="127.0.0.1:8001", url_protocol="http:"),
    "capitals": partial(CloudFrontS3Storage, custom_domain="Media.Example.NET", location="a/b/"),
    "public": partial(CloudFrontS3Storage, querystring_auth=False),
    "tenant": OfTenant,
    "edge": partial(CloudFrontFileSystemStorage, location="/nowhere", base_url="/files/"),
    "memory": partial(InMemory, base_url="/my files/"),
}


def test_inverse_of_url(site: Any, ec_key: PrivateKey) -> None:
    """Return the name of any URL of the storage: signed or not, in whatever way."""
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    storages = {kind: make() for kind, make in KINDS.items()}

    @hypothesis(max_examples=30)
    @given(NAMES)
    def holds(name: str) -> None:
        found = {
            kind: [
                storage.name_of(storage.unsigned_url(name)),
                storage.name_of(storage.url(name, download="보고서.pdf")),
            ]
            for kind, storage in storages.items()
        }
        assert found == {kind: [name, name] for kind in KINDS}

    holds()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"{ORIGIN}/a.jpg?Expires=1&Signature=gone", "a.jpg"),
        (f"{ORIGIN}/a.jpg#page=2", "a.jpg"),
        (f"http{ORIGIN[5:]}/a.jpg", "a.jpg"),
        (f"{ORIGIN[6:]}/a.jpg", "a.jpg"),
        (mark_safe(f"{ORIGIN.upper()}/A.jpg"), "A.jpg"),  # noqa: S308
        (f"{ORIGIN}/%ec%82%ac%ec%a7%84%20(1)%2Ejpg", "사진 (1).jpg"),
        (f"{ORIGIN}/사진 (1).jpg", "사진 (1).jpg"),
        (f"{ORIGIN}/folder/", "folder/"),
    ],
)
def test_other_spellings(url: str, name: str, site: Any) -> None:
    """Take a URL as browsers and editors write it."""
    assert CloudFrontS3Storage().name_of(url) == name


#: Values that are not URLs of a storage at ORIGIN whose files are in media/.
NOT_OURS: list[str | None] = [
    "",
    "a.jpg",
    None,
    "https://other.example.com/media/a.jpg",
    f"{ORIGIN}.evil.example/media/a.jpg",
    f"{ORIGIN}@evil.example/media/a.jpg",
    f"https://user@{ORIGIN[8:]}/media/a.jpg",
    f"ftp{ORIGIN[5:]}/media/a.jpg",
    f"{ORIGIN}/a.jpg",
    f"{ORIGIN}/mediaa.jpg",
    f"{ORIGIN}/media/",
    f"{ORIGIN}/media/../secret.jpg",
    f"{ORIGIN}/media/%2e%2e/secret.jpg",
    f"{ORIGIN}/media//b.jpg",
    f"{ORIGIN}/media/a%5Cb.jpg",
    f"{ORIGIN}/media/a%0Ab.jpg",
    f"{ORIGIN}/media/{'a' * 1025}",
    f"{ORIGIN}/media/%FF.jpg",
    "https://[/media/a.jpg",
]


def test_not_a_url_of_the_storage(site: Any) -> None:
    """Refuse other hosts and folders, and paths that no file can have; show no signature."""
    storage: Any = CloudFrontS3Storage(location="media")
    wrong = {}
    for url in NOT_OURS:
        call = partial(storage.name_of, url and f"{url}?Signature=abc")
        if seen := not_refused(ValueError, f"(?s)^(?!.*Signature).*{ORIGIN}/media/", call):
            wrong[url] = seen
    assert wrong == {}


# A URL that is stored as a name


@pytest.mark.parametrize("kind", [CloudFrontS3Storage, CloudFrontFileSystemStorage, InMemory])
def test_url_as_a_name_is_refused(kind: Any, site: Any) -> None:
    """Store no URL of the storage, and name what returns the name; take other URLs as before."""
    storage = kind()
    own = [f"{ORIGIN}/a.jpg", f"http{ORIGIN[5:]}/a", f"{ORIGIN[6:]}/a.jpg", f"{ORIGIN.upper()}/a"]
    own += [f"photos/{ORIGIN}/a.jpg", f" {ORIGIN}/a.jpg"]  # as upload_to makes it
    calls = [partial(storage.save, content=ContentFile(b"x")), storage.generate_filename]
    calls += [partial(storage.sign_upload, size=1)] if kind is CloudFrontS3Storage else []
    wrong = {}
    for url in own:
        for call in (*calls, lambda url: storage.save(None, ContentFile(b"x", name=url))):
            named = r"(?s)^(?!.*Signature).*name_of\(\)"
            if seen := not_refused(ValueError, named, partial(call, f"{url}?Signature=abc")):
                wrong[url, call] = seen
    assert wrong == {}
    for name in (f"{ORIGIN}.evil.example/a.jpg", "a/https:/b.jpg", f"a{ORIGIN}/a.jpg"):
        assert storage.generate_filename(name)


def test_url_as_a_name_in_a_row(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Answer as before in lists and forms, and log once for a storage, without a signature."""
    here = "https://rows.example.com/"
    storage: Any = CloudFrontS3Storage(custom_domain="rows.example.com")
    signed = storage.url("chat/a.jpg")
    again = storage.url(f"x/{signed}")  # A name that was a URL before.
    names = ("a.jpg", "https://other.example.com/a.jpg", again, signed)
    for one in (storage, CloudFrontS3Storage(custom_domain="rows.example.com"), storage):
        assert [re.split(r"\?|%(?:25)*3F", one.url(name))[0] for name in names] == [
            f"{here}a.jpg",
            f"{here}https%3A/other.example.com/a.jpg",
            f"{here}https%3A/rows.example.com/x/https%253A/rows.example.com/chat/a.jpg",
            f"{here}https%3A/rows.example.com/chat/a.jpg",
        ]
    row: Any = None
    field = FieldFile(row, models.FileField(storage=storage), signed)
    assert f'href="{html.escape(storage.url(signed))}' in AdminFileWidget().render("file", field)
    [said] = [each.getMessage() for each in caplog.records]
    assert f"'{here}x/https%3A/rows.example.com/chat/a.jpg'" in said
    assert "name_of()" in said
    assert "Signature" not in caplog.text


# What is public


#: Some of the pieces of a name, among them those that look like the folder, or lead out of it.
PIECES = (
    *("covers", "Covers", "covers2", "xcovers", "cover", "COVERS", "media", "a.jpg", "b c.jpg"),
    *("표지.jpg", "...", ".covers", "covers.", "%2e%2e", "%2F", "co%76ers", "a+b", "*", "?", "a'b"),
    *(".", "..", "", "covers%2Fa", "covers*", "logos", "~x", "q&a=1", "#a", "x" * 40),
)
SEPARATORS = ("/", "/", "/", "/", "/", "\\", "//")


@cache
def names(count: int) -> list[str]:
    """Return names that differ from run to run only if this function changes."""
    chance, found = random.Random(41), set[str]()
    while len(found) < count:
        parts = [chance.choice(PIECES) for _ in range(chance.randint(1, 5))]
        if chance.random() < 0.5:
            parts.insert(0, "covers")
        name = parts[0]
        for part in parts[1:]:
            name += chance.choice(SEPARATORS) + part
        if parts[-1] != ".":  # a folder itself, whose slash storages write or not
            found.add(name)
    return sorted(found)


def parts_of_key(name: str) -> list[str] | None:
    """Return the parts of the key that S3 has for a name; None for one that is refused."""
    parts = name.replace("\\", "/").split("/")
    if ".." in parts:
        return None
    kept = [each for each in parts if each not in ("", ".")]
    return [*kept, ""] if parts[-1] == "" else kept


@pytest.mark.parametrize(
    ("cls", "location", "folder", "one_of"),
    [
        (CloudFrontS3Storage, "media/files", "covers/", 1),
        (CloudFrontS3Storage, "", "covers/", 8),
        (CloudFrontS3Storage, "media", "covers/~x/", 8),
        (CloudFrontFileSystemStorage, "media/files", "covers/", 8),
    ],
)
def test_two_thousand_names(
    cls: Any, location: str, folder: str, one_of: int, ec_key: PrivateKey, site: Any
) -> None:
    """What the storage calls public, the pattern of an edge opens, and nothing else."""
    site.AWS_LOCATION, site.AWS_CLOUDFRONT_KEY = location, ec_key.to_pem()
    storage = cls(public=[folder], expire_step=3600)
    [pattern], by_hand = choose_public([storage], [], "--public")
    assert (pattern, by_hand) == (f"{location}/{folder}*".removeprefix("/"), "")
    behaviors = [Behavior(path_pattern=pattern), Behavior(trusted_key_groups=("site",))]
    wanted, counts = folder.removesuffix("/").split("/"), [0, 0]
    for name in names(2_000)[::one_of]:
        key = parts_of_key(name)
        if key is None:
            assert not storage.is_public(name), name
            continue
        try:
            url = storage.url(name)
        except (SuspiciousOperation, ValueError):  # "/" alone, or absolute within a location
            assert not storage.is_public(name), name
            continue
        path = urlsplit(url).path
        is_public = len(key) > len(wanted) and key[: len(wanted)] == wanted
        is_open = not select_behavior(behaviors, path).is_restricted
        assert is_open == matches(pattern, path) == is_public, name
        is_exact = "//" not in name.replace("\\", "/")
        assert storage.is_public(name) == is_public, name
        assert (url == f"{ORIGIN}{path}") == (is_public and is_exact), name
        assert ("Signature=" in url) != (is_public and is_exact), name
        counts[is_public] += 1
    assert min(counts) > 20 / one_of


@pytest.mark.parametrize("location", ["", "media/files"])
def test_keys_of_a_server(location: str, s3_options: dict[str, Any], site: Any) -> None:
    """Public is what a server got below the folder; whatever else is saved, its URL is signed."""
    storage: Any = CloudFrontS3Storage(**s3_options, location=location, public=["covers/"])
    folder, counts = posixpath.join(location, "covers/"), [0, 0]
    for name in names(2_000)[::20]:
        try:
            storage.save(name, ContentFile(b"x"))
        except SuspiciousOperation:
            continue
        [saved] = storage.bucket.objects.all()
        assert storage.is_public(name) == saved.key.startswith(folder), (name, saved.key)
        assert storage.is_public(name) or "Signature=" in storage.url(name), name
        counts[storage.is_public(name)] += 1
        saved.delete()
    assert min(counts) > 10


@BOTH
def test_url_of_a_public_name(cls: Any, site: Any) -> None:
    """Return the unsigned URL, whatever surrounds the call, and note no expiry."""
    storage = cls(public=["covers/"])
    with signed_urls(folder="covers", storage=storage), watch_expiry() as watch:
        url = storage.url("covers/a b.jpg", expire=60, expire_step=30)
        assert signed_url("covers/a b.jpg", storage=storage) == url
    assert url == storage.unsigned_url("covers/a b.jpg") == f"{ORIGIN}/covers/a%20b.jpg"
    assert watch.expires is None
    with_name = storage.url("covers/a.pdf", download="b.pdf")
    assert with_name.startswith(f"{ORIGIN}/covers/a.pdf?response-content-disposition=")
    assert "Signature=" not in with_name
    assert "Signature=" in storage.url("private/a.jpg")


@BOTH
def test_a_callable(cls: Any, site: Any) -> None:
    """Ask it with the name as the storage has it, below the location, and take True alone."""
    site.AWS_LOCATION = "media"
    asked: list[str] = []

    def is_cover(name: str) -> bool:
        asked.append(name)
        return name.endswith("-cover.jpg")

    storage = cls(public=is_cover)
    assert storage.is_public("a\\./b c-cover.jpg")
    assert storage.url("a/b-cover.jpg") == f"{ORIGIN}/media/a/b-cover.jpg"
    assert "Signature=" in storage.url("a/b.jpg")
    assert asked == ["a/b c-cover.jpg", "a/b-cover.jpg", "a/b.jpg"]
    for name in ("", "/", ".", "../b-cover.jpg", "a//../b-cover.jpg", None):
        assert not storage.is_public(name)
    assert "Signature=" in storage.url("a//b-cover.jpg")
    assert len(asked) == 3
    assert storage.is_public("a//b-cover.jpg")
    assert asked[3:] == ["a/b-cover.jpg"]


@pytest.mark.parametrize("answer", [None, 1])
def test_a_callable_that_returns_something_else(answer: object, site: Any) -> None:
    """Refuse an answer that is neither True nor False, so that no URL is public by mistake."""
    storage = CloudFrontS3Storage(public=lambda name: answer)
    for ask in (storage.url, storage.is_public):
        with pytest.raises(TypeError, match="option public"):
            ask("a.jpg")


def test_paths_of_a_tenant(site: Any) -> None:
    """Compare with the folder of the tenant whose request it is."""
    storage = OfTenant(public=["covers/"])
    for Tenant.name in ("a", "b/c", "a"):
        domain, folder = f"{Tenant.name}.example.com", Tenant.name.partition("/")[0]
        assert storage.is_public("covers/a.jpg")
        assert not storage.is_public(f"{folder}/covers/a.jpg")
        if "/" not in Tenant.name:
            assert storage.url("covers/a.jpg") == f"https://{domain}/{folder}/covers/a.jpg"
    Tenant.name = "a"


def test_paths_that_the_package_does_not_know(site: Any) -> None:
    """Compare paths as the storage class makes them."""
    storage = InMemory(base_url="/files/", public=["covers/"])
    assert storage.url("covers/a.jpg") == f"{ORIGIN}/files/covers/a.jpg"
    assert "Signature=" in storage.url("files/covers/a.jpg")
    assert storage.is_public("./\\covers//a.jpg")


def test_storage_that_does_not_sign(site: Any) -> None:
    """Say what the option says, although each of its URLs is without a signature."""
    storage = CloudFrontS3Storage(querystring_auth=False, public=["covers/"])
    assert [storage.is_public(name) for name in ("covers/a", "a", "", "/")] == [True] + 3 * [False]
    assert storage.url("a") == f"{ORIGIN}/a"


#: The option ``public`` of each storage, their location, the patterns that are given, those that
#: are opened, and what a person opens.
PATTERNS: list[tuple[list[Any], str, list[str], list[str], str]] = [
    ([()], "media", ["a/*"], ["a/*"], ""),
    *(
        ([["covers/"], ["covers/"]], "media", each, ["media/covers/*"], "")
        for each in ([], ["media/covers/*"], ["/media/covers/*"])
    ),
    *(
        (public, "media", each, each, "media/covers/*, media/logos/*")
        for public in ([["covers/", "logos/"]], [["covers/"], ["logos/"]])
        for each in ([], ["media/covers/*"], ["static/*"])
    ),
    ([bool], "media", ["static/*"], ["static/*"], "callable"),
    ([["covers/"], bool], "media", ["/x/*"], ["/x/*"], "media/covers/*, what the callable"),
    # A wildcard in the place of what no pattern can have would open other folders, too.
    *(([["covers/"]], each, [], [], "/covers/*") for each in ("미디어", "a b", "a*b", "x/" * 128)),
]


def test_patterns_of_an_edge(site: Any) -> None:
    """Open the only folder, or any pattern that is given; name what a person opens by hand."""
    for options, location, patterns, opened, by_hand in PATTERNS:
        each = [CloudFrontS3Storage(public=public, location=location) for public in options]
        found, left = choose_public(each, patterns, "--public")
        assert (found, by_hand in left, bool(left)) == (opened, True, bool(by_hand)), location


@pytest.mark.parametrize("given", [["static/*"], [""], ["media/covers/*", "b/*"], ["media/*"]])
def test_other_pattern(given: list[str], site: Any) -> None:
    """Refuse another pattern than that of the only folder, and name both."""
    storage = CloudFrontS3Storage(public=["covers/"], location="media")
    with pytest.raises(ValueError, match=r"media/covers/\*") as raised:
        choose_public([storage], given, "--public-path")
    assert repr(given[-1]) in str(raised.value)


def test_edge_for_a_storage(site: Any, tmp_path: Any) -> None:
    """Serve public files without a signature, and no other file, in the tests of a site."""
    options = {"public": ["covers/"], "location": str(tmp_path)}
    site.STORAGES = {"default": {"BACKEND": FILE_BACKEND, "OPTIONS": options}}
    storage: Any = storages["default"]
    edge = edge_for("default")
    for name, unsigned in (("covers/a.txt", 200), ("private/a.txt", 403), ("covers.txt", 403)):
        storage.save(name, ContentFile(b"x"))
        found = [edge.get(url).status for url in (storage.url(name), storage.unsigned_url(name))]
        assert found == [200, unsigned], name
