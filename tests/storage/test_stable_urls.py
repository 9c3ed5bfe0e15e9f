"""Keep a URL the same for a step, in every process, and for as long as was promised."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis, strategies as st

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.projects import Project
from tests.storage_cases import (
    S3_BACKEND,
    at,
    counted_signatures,
    expiry_of,
    generated_names,
    parameters_of,
    verify,
)

NOW = 1_775_000_000
DAY = 24 * 3600
#: That the site of a test is made once for all examples does no harm: they change no setting.
MANY = hypothesis(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

pytestmark = pytest.mark.usefixtures("site")


@MANY
@given(
    moment=st.floats(min_value=NOW, max_value=NOW + 400 * DAY),
    name=st.sampled_from(generated_names(50)),
    expire=st.integers(min_value=1, max_value=DAY),
    step=st.integers(min_value=1, max_value=6 * DAY),
    resource=st.sampled_from([None, "*"]),
)
def test_bounds(
    moment: float, name: str, expire: int, step: int, resource: str | None, ec_key: PrivateKey
) -> None:
    """Live for at least expire, and less than expire and a step, whatever the name and the time."""
    storage = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=6 * DAY)
    with at(moment):
        url = storage.url(
            name, expire=expire, expire_step=step, resource=resource, allow_any_resource=True
        )
        again = storage.url(
            name, expire=expire, expire_step=step, resource=resource, allow_any_resource=True
        )
    end = verify(storage, url, now=int(moment)).date_less_than
    assert expire <= end - int(moment) < expire + step
    assert again == url


@MANY
@given(waits=st.lists(st.integers(min_value=0, max_value=500), min_size=1, max_size=20))
def test_bounds_of_what_is_remembered(waits: list[int], ec_key: PrivateKey) -> None:
    """Keep both bounds for a URL that is asked for again and again, while the clock goes on."""
    storage = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=300)
    moment = NOW
    for wait in waits:
        moment += wait
        with at(moment):
            url = storage.url("a.jpg", expire=60)
            shared = storage.url("a.jpg", expire=60, resource="*", allow_any_resource=True)
        assert 60 <= expiry_of(url) - moment < 360
        assert 60 <= verify(storage, shared, now=moment).date_less_than - moment < 360


@pytest.mark.parametrize("key", ["rsa_key", "ec_key"])
def test_two_processes(key: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Give the same URLs in two processes that have the same key, RSA or ECDSA."""
    project = Project(folder=tmp_path, key=request.getfixturevalue(key))
    project.settings(
        f'STORAGES = {{"default": {{"BACKEND": "{S3_BACKEND}"}}}}',
        "AWS_CLOUDFRONT_EXPIRE_STEP = 6 * 24 * 3600",
    )
    code = (
        "import time; time.time = lambda: 1775000000.5\n"
        "from django.core.files.storage import default_storage as s\n"
        "print(s.url('a b.jpg'), s.url('albums/42/1.jpg', resource='albums/42/*'))"
    )
    first, second = (project.run(code).stdout for _ in range(2))
    assert first.count("Signature=") == 2
    assert first == second


@pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage])
def test_one_signature_in_a_step(cls: Any) -> None:
    """Sign a name once in a step, and again in the next one."""
    storage = cls(expire_step=900)
    with at(NOW):
        end = expiry_of(storage.url("a b.jpg"))
    with counted_signatures() as signatures:
        for moment in range(NOW, end - 3600 + 1, 10):
            with at(moment):
                assert expiry_of(storage.url("a b.jpg")) == end
        assert signatures == []
        with at(end - 3600 + 1):
            assert expiry_of(storage.url("a b.jpg")) == end + 900
        assert len(signatures) == 1


def test_argument() -> None:
    """Take a step as an argument, over that of the storage; 0 turns steps off."""
    storage = CloudFrontS3Storage(expire_step=600)
    for step in (300, timedelta(minutes=5)):
        with at(NOW):
            first = storage.url("a.jpg", expire=60, expire_step=step)
        assert 60 <= expiry_of(first) - NOW < 360
        with at(expiry_of(first) - 60):
            assert storage.url("a.jpg", expire=60, expire_step=step) == first
    with at(NOW):
        assert expiry_of(storage.url("a.jpg", expire_step=0)) == NOW + 3600


@pytest.mark.parametrize("step", [-1, "300", 1.5, True, timedelta(seconds=0.5)], ids=repr)
def test_bad_argument(step: Any) -> None:
    """Refuse a step that is none, also where a URL of an equal number is known."""
    storage = CloudFrontS3Storage(expire_step=2)
    storage.url("a.jpg", resource="*", allow_any_resource=True, expire_step=1)
    for resource in (None, "*"):
        with pytest.raises(ValueError, match="expire_step is"):
            storage.url("a.jpg", expire_step=step, resource=resource, allow_any_resource=True)


def test_bad_expire_that_is_known() -> None:
    """Refuse a lifetime that is none, also where a URL of an equal number is known."""
    storage = CloudFrontS3Storage()
    storage.url("a.jpg", resource="*", allow_any_resource=True, expire=1)
    for expire in (True, 1.0):
        with pytest.raises(ValueError, match="expire is"):
            storage.url("a.jpg", resource="*", allow_any_resource=True, expire=expire)  # type: ignore[arg-type]


def test_longest_lifetime() -> None:
    """Refuse a step with which a URL could live longer than a rotation waits."""
    storage = CloudFrontS3Storage(max_expire=3600, expire_step=600)
    with at(NOW):
        assert expiry_of(storage.url("a.jpg", expire=3600, expire_step=600)) < NOW + 4200
        assert expiry_of(storage.url("a.jpg", expire=60, expire_step=4140)) < NOW + 4200
    message = "4200 s of AWS_CLOUDFRONT_MAX_EXPIRE and AWS_CLOUDFRONT_EXPIRE_STEP"
    for expire, step in ((3600, 601), (None, 601), (60, 4141)):
        with pytest.raises(ValueError, match=message):
            storage.url("a.jpg", expire=expire, expire_step=step)


def test_names_change_at_different_moments() -> None:
    """Let the pictures of a page change at different moments, and those of one resource at once."""
    storage = CloudFrontS3Storage(expire_step=900)
    with at(NOW):
        ends = {expiry_of(storage.url(f"{n}.jpg")) for n in range(20)}
        shared = {
            parameters_of(storage.url(f"{n}.jpg", resource="*", allow_any_resource=True))["Policy"]
            for n in range(20)
        }
    assert len(ends) > 15
    assert len(shared) == 1
