"""End a URL when it must end; until then, sign once for what stays the same, and nothing else.

No test has a database, a network or AWS credentials.

Modules: storage/urls.py, storage/signatures.py
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.signers import CloudFrontSigner
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.core.files.storage import FileSystemStorage
from django.db import DatabaseError
from hypothesis import HealthCheck, given, settings as hypothesis, strategies as st

from cfsigned_django.core import keyring
from cfsigned_django.core.keyring import SigningState
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.signing import HashAlgorithm, PrivateKey, Signer
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.storage_cases import (
    ANY_RESOURCE,
    BOTH,
    DAY,
    DOMAIN,
    KEY_GROUP_ID,
    KEY_ID,
    NOW,
    InMemory,
    OfTenant,
    Tenant,
    at,
    counted_signatures,
    expiry_of,
    generated_names,
    parameters_of,
    verify,
)

#: That the site of a test is made once for all examples does no harm: they change no setting.
MANY = hypothesis(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
pytestmark = pytest.mark.usefixtures("site", "no_network")


@pytest.mark.parametrize(
    "make",
    [
        partial(CloudFrontS3Storage, location="me*dia/%2A 1"),
        partial(CloudFrontFileSystemStorage, base_url="/files/"),
        partial(InMemory, base_url="/memory/"),
    ],
    ids=["S3", "disk", "memory"],
)
def test_a_resource_of_many_names(make: Any) -> None:
    """Make one signature for 300 names, and the same URLs as for each name alone."""
    storage = make(expire_step=900)
    names = [f"albums/42/photo_{number:04}.jpg" for number in range(290)]
    names += [f"albums/42/{name}" for name in generated_names(10)]
    with at(NOW), counted_signatures() as signatures:
        urls = [storage.url(name, resource="albums/42/*") for name in names]
        query = storage.url(names[0], {"v": "3"}, resource="albums/42/*", download="x.jpg")
        assert len(signatures) == 1
        assert urls[-15:] == [
            make(expire_step=900).url(name, resource="albums/42/*") for name in names[-15:]
        ]
    assert len(set(urls)) == 300
    assert "/photo_0000.jpg?v=3&response-content-disposition=" in query
    for name, url in [*zip(names[::9], urls[::9], strict=True), (names[0], query)]:
        assert verify(storage, url, now=NOW).resource.endswith("/albums/42/*")
        assert url.startswith(f"{storage.unsigned_url(name)}?")


@pytest.mark.parametrize(
    ("arguments", "signatures"),
    [
        ([{}, {}], 1),
        ([{"http_method": "GET"}, {}, {"expire": 60}, {"expire_step": 60}, {"download": "x"}], 4),
        ([{"ip_address": "192.0.2.7", **ANY_RESOURCE}, {"ip_address": "192.0.2.8"}] * 2, 2),
        ([{"resource": each} for each in ("a*", "a.*", "a.jp*")], 3),
        ([{"expire": each, **ANY_RESOURCE} for each in (60, 61, None)], 3),
        ([{"expire_step": each, **ANY_RESOURCE} for each in (60, 61, None)], 3),
        ([{"date_greater_than": each, **ANY_RESOURCE} for each in (NOW - 60, NOW - 61, None)], 3),
        ([{}, {"ip_address": "192.0.2.7"}, {"expire": 60}, {"expire_step": 60}] * 2, 4),
        ([{"parameters": {"v": "1"}}, {"parameters": {"v": "2"}}, {}], 3),
        ([{"resource": "a*"}, {"resource": "*.jpg", "allow_any_resource": True}], 2),
    ],
    ids=lambda value: str(value)[:60],
)
def test_arguments_are_kept_apart(
    arguments: list[dict[str, Any]], signatures: int, ec_key: PrivateKey
) -> None:
    """Share nothing between two calls with other arguments, and sign what is alike once."""
    storage = CloudFrontS3Storage(expire_step=DAY, cloudfront_key=ec_key.to_pem())
    with at(NOW), counted_signatures() as signed:
        urls = [storage.url("a.jpg", **each) for each in arguments]
        assert len(signed) <= signatures
        assert urls == [
            CloudFrontS3Storage(expire_step=DAY, cloudfront_key=ec_key.to_pem()).url(
                "a.jpg", **each
            )
            for each in arguments
        ]


# How much is kept


@pytest.mark.parametrize("size", [1, 2, 9, 10, 101])
def test_bound(size: int, ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a limited number of URLs, and the latest ones: half of them or more."""
    monkeypatch.setattr("cfsigned_django.storage.urls.KEPT_SIGNATURES", size)
    storage = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=DAY)
    with at(NOW):
        for number in range(300):
            storage.url(f"{number}.jpg")
        with counted_signatures() as signatures:
            for number in range(300 - (size + 1) // 2, 300):
                storage.url(f"{number}.jpg")
            assert signatures == []
            for number in reversed(range(300 - size)):
                storage.url(f"{number}.jpg")
    assert len(signatures) == 300 - size


# Tenants


class OwnPaths(CloudFrontS3Storage):
    """Put each tenant's files into a folder, in a way that this package cannot know."""

    def _normalize_name(self, name: str) -> str:
        return f"{Tenant.name}/{name}"


class FoldersOfTenants(FileSystemStorage):
    """Serve each tenant's files from the tenant's folder, as a class of the site does."""

    def url(self, name: str | None) -> str:
        """Return the path in the folder of the request's tenant."""
        return f"/{Tenant.name}/{name}"


class SignedFolders(CloudFrontFileSystemStorage, FoldersOfTenants):
    """Sign what that class returns."""


@pytest.mark.parametrize("step", [0, DAY])
@pytest.mark.parametrize("cls", [OfTenant, OwnPaths, SignedFolders])
def test_tenants(cls: Any, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tenants of one storage apart, and sign no more than separate storages would."""
    storage = cls(expire_step=step)
    with at(NOW), counted_signatures() as signatures:
        for _ in range(3):
            for tenant in ("a", "b"):
                monkeypatch.setattr(Tenant, "name", tenant)
                domain = f"{tenant}.example.com" if cls is OfTenant else DOMAIN
                for arguments in ({}, ANY_RESOURCE):
                    url = storage.url("x.jpg", **arguments)
                    assert url.startswith(f"https://{domain}/{tenant}/x.jpg?")
                    assert f"{domain}/{tenant}/" in verify(storage, url, now=NOW).resource
    assert len(signatures) <= (4 if step else 8)


def test_tenants_with_a_signer_that_was_handed_in(rsa_key: PrivateKey) -> None:
    """Use signatures again of botocore's signer, whose key nothing but its callback tells apart."""
    messages = []

    def callback(message: bytes) -> bytes:
        messages.append(message)
        return rsa_key.sign(message, HashAlgorithm.SHA1)

    storage = OfTenant(cloudfront_signer=CloudFrontSigner(KEY_ID, callback), expire_step=DAY)
    with at(NOW):
        urls = {storage.url("a.jpg") for _ in range(3)}
    assert len(urls) == len(messages) == 1


def test_tenants_with_keys_of_their_own(
    rsa_key: PrivateKey, ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep two keys of one storage apart, which sign in turns, and sign once with each."""
    keys = {"a": rsa_key, "b": ec_key}

    class WithKey(CloudFrontS3Storage):
        @property
        def cloudfront_key(self) -> bytes:
            return keys[Tenant.name].to_pem()

    storage = WithKey(expire_step=DAY)
    with at(NOW), counted_signatures() as signatures:
        for tenant in "abab":
            monkeypatch.setattr(Tenant, "name", tenant)
            for arguments in ({}, ANY_RESOURCE):
                verify(storage, storage.url("a/1.jpg", **arguments), now=NOW)
    assert len(signatures) == 4


# Keys


@pytest.fixture
def active(site: Any, ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Take the ACTIVE key from a list, in which a test puts another one, or an error."""
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    found: list[Any] = [Signer(key_pair_id="KFIRST000001", private_key=ec_key)]

    def find(*arguments: Any) -> SigningState:
        if isinstance(found[0], Exception):
            raise found[0]
        return SigningState(key_group_id="group", signer=found[0])

    def clock() -> float:
        return time.time()  # which at() sets

    made = partial(keyring.Keyring, monotonic=clock, wall=clock)
    monkeypatch.setattr(keyring, "Keyring", made)
    keyring.register(find, interval=60)
    yield found
    monkeypatch.undo()
    keyring.register(find_active_signer, interval=60)


@pytest.mark.parametrize("arguments", [{}, ANY_RESOURCE, {"expire": 60}], ids=str)
@pytest.mark.parametrize("step", [0, 6 * DAY])
def test_key_is_replaced(active: list[Any], step: int, arguments: Any) -> None:
    """Sign with another key as soon as the keyring does, and let the old one go.

    Sign nothing anew after a look that finds the same key.
    """
    storage = CloudFrontS3Storage(expire_step=step)
    with at(NOW):
        before = storage.url("a.jpg", **arguments)
        assert parameters_of(before)["Key-Pair-Id"] == "KFIRST000001"
        storage.url("never asked for again.jpg")
        keyring.forget()
        with counted_signatures() as signatures:
            again = storage.url("a.jpg", **arguments)
        if step:
            assert (again, signatures) == (before, [])
        old = weakref.ref(active[0])
        active[0] = Signer(key_pair_id="KSECOND00001", private_key=PrivateKey.generate())
        keyring.forget()
        after = storage.url("a.jpg", **arguments)
        assert parameters_of(after)["Key-Pair-Id"] == "KSECOND00001"
    assert old() is None


def test_database_is_away(active: list[Any]) -> None:
    """Cut URLs and cookies short while the database is away, keep none of these, then stop."""
    storage = CloudFrontS3Storage(max_expire=3600, expire_step=600)

    def lifetime(moment: int) -> int:
        with at(moment):
            return expiry_of(storage.url("a.jpg")) - moment

    assert 3600 <= lifetime(NOW) < 4200
    signer, active[0] = active[0], DatabaseError("gone away")
    last = NOW + 120 + 4200  # two intervals, and the longest life of a URL, after the last answer
    for moment in (NOW + 60, NOW + 600, NOW + 1200, NOW + 3600, NOW + 4300):
        assert lifetime(moment) == last - moment or 3600 <= lifetime(moment) < 4200
        assert moment + lifetime(moment) <= last
        with at(moment):
            assert storage.sign_cookies(folder="a")[0].date_less_than <= last
    with pytest.raises(ImproperlyConfigured, match="KFIRST000001"):
        lifetime(last)
    active[0] = signer
    assert 3600 <= lifetime(last + 60) < 4200


# Lifetimes


def lifetime(expire: Any = None, **options: Any) -> int:
    """Return how many seconds a URL lives that is made now."""
    with at(NOW + 0.9):
        return expiry_of(CloudFrontS3Storage(**options).url("a.jpg", expire=expire)) - NOW


@pytest.mark.parametrize("most", [60, timedelta(minutes=1)], ids=repr)
def test_longest_lifetime(most: Any, site: Any) -> None:
    """Grant seven days, or what AWS_CLOUDFRONT_MAX_EXPIRE says, and not a second more."""
    assert lifetime(7 * DAY) == lifetime(timedelta(days=7)) == 7 * DAY
    site.AWS_QUERYSTRING_EXPIRE = site.AWS_CLOUDFRONT_MAX_EXPIRE = most
    assert lifetime() == lifetime(60) == 60
    with pytest.raises(ValueError, match=r"61 s.* 60 s of AWS_CLOUDFRONT_MAX_EXPIRE"):
        lifetime(61)


def test_longest_lifetime_with_a_step() -> None:
    """Refuse a step with which a URL could live longer than a rotation waits."""
    storage = CloudFrontS3Storage(max_expire=3600, expire_step=600)
    with at(NOW):
        assert expiry_of(storage.url("a.jpg", expire=3600, expire_step=600)) < NOW + 4200
        assert expiry_of(storage.url("a.jpg", expire=60, expire_step=4140)) < NOW + 4200
    for expire, step in ((3600, 601), (None, 601), (60, 4141)):
        with pytest.raises(ValueError, match=r"4200 s of AWS_CLOUDFRONT_MAX_EXPIRE"):
            storage.url("a.jpg", expire=expire, expire_step=step)


@MANY
@given(
    moment=st.floats(min_value=NOW, max_value=NOW + 400 * DAY),
    name=st.sampled_from(generated_names(50)),
    expire=st.integers(min_value=1, max_value=DAY),
    step=st.integers(min_value=1, max_value=6 * DAY),
    arguments=st.sampled_from([{}, ANY_RESOURCE]),
)
def test_bounds(
    moment: float, name: str, expire: int, step: int, arguments: Any, ec_key: PrivateKey
) -> None:
    """Live for at least expire, less than expire and a step, and the same for a whole step."""
    storage = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=6 * DAY)
    arguments = {**arguments, "expire": expire, "expire_step": step}

    def url_at(when: float) -> str:
        with at(when):
            return storage.url(name, **arguments)

    url = url_at(moment)
    end = verify(storage, url, now=int(moment)).date_less_than
    assert expire <= end - int(moment) < expire + step
    assert url_at(moment) == url_at(end - expire + 0.9) == url
    later = verify(storage, url_at(end - expire + 1), now=end).date_less_than
    assert later == end + step
    assert url_at(moment) == url  # A clock that goes back changes nothing.


@BOTH
def test_no_step(cls: Any) -> None:
    """Count each lifetime from the second of the call, also as the clock goes back.

    Of a resource, make one signature in each second.
    """
    storage = cls()
    for moment, count in (
        *((NOW, 2), (NOW + 0.5, 1), (NOW + 0.999, 1), (NOW + 1, 2), (NOW + 1.5, 1)),
        *((NOW + 0.2, 2), (NOW - 10, 2), (NOW + 90, 2)),
    ):
        with at(moment), counted_signatures() as signatures:
            assert expiry_of(storage.url("a.jpg")) == int(moment) + 3600
            for name in ("a/1.jpg", "a/2.jpg"):
                url = storage.url(name, resource="a/*")
                assert verify(storage, url).date_less_than == int(moment) + 3600
        assert len(signatures) == count


def test_names_change_at_different_moments(ec_key: PrivateKey) -> None:
    """The pictures of a page change all over a step, and those of one resource at once."""
    storage = CloudFrontS3Storage(expire_step=3600, cloudfront_key=ec_key.to_pem())
    with at(NOW):
        ends = [expiry_of(storage.url(f"{n}.jpg")) for n in range(200)]
        shared = {
            parameters_of(storage.url(f"{n}.jpg", **ANY_RESOURCE))["Policy"] for n in range(9)
        }
    quarters = [sum(1 for end in ends if (end - NOW - 3600) // 900 == part) for part in range(4)]
    assert min(quarters) > 25
    assert len(set(ends)) > 150
    assert len(shared) == 1


def test_presigned_urls_of_s3(site: Any) -> None:
    """Keep to the same rules if django-storages presigns a URL of S3."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    options = {"access_key": "AKIAEXAMPLE", "secret_key": "secret", "signature_version": "s3v4"}
    storage = CloudFrontS3Storage(cloudfront_signer=None, region_name="eu-central-1", **options)
    for expire in (60, timedelta(minutes=1)):
        assert parameters_of(storage.url("a.jpg", expire=expire))["X-Amz-Expires"] == "60"
    for bad in (0, 7 * DAY + 1, "60"):
        with pytest.raises(ValueError, match="expire"):
            storage.url("a.jpg", expire=bad)  # type: ignore[arg-type]
    with pytest.raises(SuspiciousOperation):
        storage.url("a/../b.jpg")
