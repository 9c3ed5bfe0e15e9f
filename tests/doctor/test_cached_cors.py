"""Ask a real server that keeps copies whether pages may read an object from its cache."""

from __future__ import annotations

import pytest

from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.live import Probe, examine_live
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.viewer import fetch
from tests.doctor import faults, ids
from tests.doctor.caching_server import caching_server
from tests.storage_cases import KEY_ID

NOW = 1_800_000_000
APP, ADMIN = "https://app.example.com", "https://admin.example.com"


def examine(key: PrivateKey, *origins: str, allowed: list[str], keyed: bool) -> list[Finding]:
    """Return what the doctor finds, over HTTP."""
    signer = Signer(key_pair_id=KEY_ID, private_key=key)
    with caching_server(allowed=allowed, keys_on_origin=keyed, now=NOW) as address:
        probe = Probe(
            url=f"{address}/media/1.jpg",
            signer=signer,
            direct_url=None,
            cors_origins=origins,
        )
        return list(examine_live(probe, fetch, lambda: NOW))


def test_one_copy_for_each_origin(ec_key: PrivateKey) -> None:
    """Find nothing where the cache keeps a copy for each origin: miss and hit have the header."""
    found = examine(ec_key, APP, ADMIN, allowed=[APP, ADMIN], keyed=True)

    assert faults(found) == []
    assert {"signed-served", "tampered-refused", "expired-refused", "cors"} <= {*ids(found)}


@pytest.mark.parametrize("origins", [(APP,), (APP, ADMIN)])
def test_copy_of_a_request_without_origin(origins: tuple[str, ...], ec_key: PrivateKey) -> None:
    """Say that the copy of a request without Origin is replayed to pages, without the header."""
    found = examine(ec_key, *origins, allowed=[APP, ADMIN], keyed=False)

    assert faults(found) == ["cors-headers-missing"] * len(origins)
    [first, *_] = [each for each in found if each.id == "cors-headers-missing"]
    assert "from the cache" in first.what
    assert "Invalidate the path" in first.fix


def test_origin_that_the_bucket_does_not_allow(ec_key: PrivateKey) -> None:
    """Name the one origin that gets no header, whatever the cache does."""
    found = examine(ec_key, APP, ADMIN, allowed=[APP], keyed=True)

    [fault] = [each for each in found if each.id in faults(found)]
    assert fault.id == "cors-headers-missing"
    assert ADMIN in fault.what
