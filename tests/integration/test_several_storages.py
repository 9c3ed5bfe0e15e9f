"""Keep levels of privacy and tenants apart, as the page about several storages shows.

Modules: storage/options.py
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings

from cfsigned_django.core import keyring
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.signing import PrivateKey
from cfsigned_django.testing import edge_for
from tests.keyring import make_key_pair
from tests.pages import DOCS, site_of
from tests.storage_cases import parameters_of, verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(site: Any, s3_options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Run the site of the page over one bucket, with an ACTIVE key in each of its key groups."""
    with site_of(DOCS / "how-to" / "several-storages.md") as names:
        for number, group in enumerate((names["MEMBERS"], names["PREMIUM"])):
            make_key_pair(
                PrivateKey.generate(),
                f"K{number}ABCDEFGHIJK",
                key_group_id=group,
                status=KeyStatus.ACTIVE,
                active_in=group,
            )
        entries = {
            alias: {**entry, "OPTIONS": entry["OPTIONS"] | s3_options}
            for alias, entry in names["STORAGES"].items()
            if "OPTIONS" in entry
        }
        with override_settings(
            STORAGES=entries, AWS_CLOUDFRONT_KEY=None, AWS_CLOUDFRONT_KEY_ID=None
        ):
            yield names
    keyring.forget()


def test_levels(shown: Any) -> None:
    """Open each level with its own key only, and the public one without a signature."""
    for alias in ("default", "public", "premium"):
        storages[alias].save("a.txt", ContentFile(alias.encode()))
    urls = {alias: storages[alias].url("a.txt") for alias in ("default", "public", "premium")}
    media, premium = edge_for("default"), edge_for("premium")

    assert edge_for("public", public=["/public/*"]).get(urls["public"]).body == b"public"
    assert media.get(urls["default"]).status == premium.get(urls["premium"]).status == 200
    for url, edge in ((urls["default"], media), (urls["premium"], premium)):
        assert edge.get(url.partition("?")[0]).error_code == "MissingKey"
    # A signature of another level, or for another address, opens nothing.
    moved = urls["default"].replace("media.example.com", "premium.example.com")
    assert premium.get(moved).error_code == "InvalidKey"
    assert media.get(urls["public"].replace("/public/", "/private/")).error_code == "MissingKey"
    lives = [int(parameters_of(urls[alias])["Expires"]) for alias in ("default", "premium")]
    assert lives[0] - lives[1] in range(3295, 3301)


def test_move(shown: Any) -> None:
    """Move a file to another level: its old signature opens nothing there, and it is gone here."""
    storages["public"].save("a.txt", ContentFile(b"text"))
    assert shown["move"]("a.txt", "public", "premium") == "a.txt"
    assert not storages["public"].exists("a.txt")
    assert edge_for("premium").get(storages["premium"].url("a.txt")).body == b"text"


@pytest.fixture
def tenants(shown: Any, settings: Any) -> Any:
    """Return the storage of the tenants."""
    settings.ALLOWED_HOSTS = ["*"]
    options = dict(settings.STORAGES["default"]["OPTIONS"])
    del options["location"]  # that of the tenant
    found = shown["TenantStorage"](**options)
    found.url("a.txt")  # From now on the key is known, and no thread asks the database.
    return found


def serve(shown: Any, host: str, view: Any) -> Any:
    """Return what a view returns while a request to the host is served."""
    request = RequestFactory().get("/", headers={"host": host})
    found = []

    def respond(request: HttpRequest) -> HttpResponse:
        found.append(view())
        return HttpResponse()

    shown["tenant_middleware"](respond)(request)
    return found[0]


def test_tenants(shown: Any, tenants: Any) -> None:
    """Keep each tenant's files in its folder, in requests that are served at the same time."""
    meet = Barrier(2, timeout=60)

    def use(slug: str) -> tuple[str, bytes]:
        tenants.save("a.txt", ContentFile(slug.encode()))
        meet.wait()
        url = tenants.url("a.txt")
        assert tenants.name_of(url) == "a.txt"
        return url, edge_for(tenants).get(url).body

    slugs = ["acme", "zeta"]
    hosts = [f"{slug}.example.com" for slug in slugs]
    with ThreadPoolExecutor(2) as threads:
        served = threads.map(lambda slug, host: serve(shown, host, lambda: use(slug)), slugs, hosts)
        found = list(served)
    first = found[0][0]
    assert [body for _, body in found] == [b"acme", b"zeta"]
    # Within another tenant's request, a URL means no file, and its signature opens none.
    with pytest.raises(ValueError, match="/tenants/zeta/"):
        serve(shown, hosts[1], lambda: tenants.name_of(first))
    swapped = first.replace("/acme/", "/zeta/")
    answer = serve(shown, hosts[1], lambda: edge_for(tenants).get(swapped))
    assert answer.error_code == "AccessDenied"


def test_keys_of_tenants(shown: Any, tenants: Any) -> None:
    """Sign with the key of each tenant's own group."""
    storage = shown["TenantKeyStorage"](bucket_name="media", custom_domain="media.example.com")
    for slug, key in (("acme", "K0ABCDEFGHIJK"), ("zeta", "K1ABCDEFGHIJK")) * 2:
        token = shown["tenant"].set(slug)
        url = storage.url("a.txt")
        assert parameters_of(url)["Key-Pair-Id"] == key
        assert f"/tenants/{slug}/a.txt?" in url
        verify(storage, url)
        shown["tenant"].reset(token)


def test_no_tenant(shown: Any, tenants: Any) -> None:
    """Serve no unknown host, and keep what is saved outside of requests apart from all tenants."""
    with pytest.raises(Http404):
        serve(shown, "other.example.com", lambda: tenants.url("a.txt"))
    assert tenants.unsigned_url("a.txt").endswith("/tenants/none/a.txt")
