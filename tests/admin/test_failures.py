"""Test that whatever fails is a message with the next step, never a server error."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.errors import Claimed, RotationError
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import Rotation
from tests.admin import (
    LIST,
    FakeCloudFront,
    Visitor,
    activated,
    address,
    fresh,
    imported,
    log,
    moved,
    started,
    trusted,
)
from tests.admin.conftest import MakeVisitor

LATE = AwsError(
    what="read the key group",
    reason="AWS did not answer in time",
    next_step="Try again in a minute.",
    code="ReadTimeoutError",
    is_temporary=True,
)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (LATE, "Not done. Could not read the key group: AWS did not answer in time."),
        (Claimed(), "Another process is at the same step. Look again in a minute."),
        (RotationError("Somebody took it out."), "Somebody took it out."),
        (CannotUnseal("SECRET_KEY has changed"), "SECRET_KEY has changed"),
    ],
)
def test_failure_of_a_step_is_told(
    admin: Visitor, monkeypatch: pytest.MonkeyPatch, failure: Exception, message: str
) -> None:
    """Each kind of failure comes back as a sentence, and the key stays as it was."""
    imported()
    key_pair = started()

    def fail(*args: object, **kwargs: object) -> None:
        raise failure

    monkeypatch.setattr(Rotation, "trust", fail)

    page = admin.take("trust", key_pair)

    assert message in page
    assert fresh(key_pair).status == "pending"


def test_lost_answer_can_be_tried_again(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """After a timeout the same button does the step; nothing is there twice."""
    imported()
    key_pair = started()
    cloudfront.failure = LATE
    assert "try again" in admin.take("trust", key_pair)
    cloudfront.failure = None
    moved(key_pair, claimed_until=-1)

    admin.take("trust", key_pair)

    assert fresh(key_pair).status == "trusted"
    assert len(cloudfront.trusted) == 2


def test_full_key_group_is_told_before_a_key_is_made(
    admin: Visitor, cloudfront: FakeCloudFront
) -> None:
    """Five keys are the quota: the page says so, and no key is generated in vain."""
    imported()
    config = cloudfront.api.get_key_group(Id=cloudfront.key_group_id)
    items = config["KeyGroup"]["KeyGroupConfig"]["Items"]
    for number in range(4):
        KeyPair.objects.all().delete()
        key = {
            "CallerReference": f"other {number}",
            "Name": f"other {number}",
            "EncodedKey": started().public_key,
        }
        created = cloudfront.api.create_public_key(PublicKeyConfig=key)
        items = [*items, created["PublicKey"]["Id"]]
    KeyPair.objects.all().delete()
    cloudfront.api.update_key_group(
        Id=cloudfront.key_group_id,
        IfMatch=config["ETag"],
        KeyGroupConfig={"Name": "media", "Items": items},
    )

    page = admin.take("start", algorithm="ECDSA_P256")

    assert "Not done. Could not add a public key to the key group" in page
    assert not KeyPair.objects.exists()


def test_settings_key_that_cannot_be_read(admin: Visitor, settings: Settings) -> None:
    """A PEM that was damaged on its way into the settings is named, and not shown."""
    settings.AWS_CLOUDFRONT_KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B"

    for page in (admin.get(), admin.post(address("import"))):
        assert "MIIEvQIBADANBgkqhkiG9w0B" not in page
    assert not KeyPair.objects.exists()


def test_encryption_keys_that_are_none(admin: Visitor, settings: Settings) -> None:
    """A setting that makes sealing impossible is named by the page and by the step."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = ["not a Fernet key"]

    page = admin.take("start", algorithm="ECDSA_P256")

    assert "AWS_CLOUDFRONT_ENCRYPTION_KEYS is a list of Fernet keys" in page
    assert not KeyPair.objects.exists()


def test_settings_without_a_key_group(admin: Visitor, settings: Settings) -> None:
    """A step on a site whose settings make no sense leads back with the setting's name."""
    key_pair = started()
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = None

    page = admin.post(address("trust", key_pair))

    assert page.count("AWS_CLOUDFRONT_KEY_GROUP_ID is not set") == 2
    assert fresh(key_pair).status == "pending"


def test_two_people_start_at_once(visit: MakeVisitor) -> None:
    """Both have the page open: one key is made, and the second person is told."""
    imported()
    one, two = visit("rotate_keypair"), visit("rotate_keypair")
    one.get(address("start"))
    two.get(address("start"))

    one.post(address("start"), algorithm="ECDSA_P256")
    page = two.post(address("start"), algorithm="RSA_2048")

    assert "This step is not due now." in page
    assert [each.algorithm for each in KeyPair.objects.filter(status="pending")] == ["ECDSA_P256"]


def test_two_people_activate_at_once(visit: MakeVisitor) -> None:
    """The step is done once, and logged once; the second person sees that it is done."""
    imported()
    key_pair = trusted(good_for=301)
    one, two = visit("rotate_keypair"), visit("rotate_keypair")
    one.get(address("activate", key_pair))
    two.get(address("activate", key_pair))

    one.post(address("activate", key_pair))
    page = two.post(address("activate", key_pair))

    assert f"This step is not due: {key_pair} is Active." in page
    assert log().count(f"{key_pair}: Active") == 1


def test_race_between_look_and_move(visit: MakeVisitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody is quicker between this person's look and move, nothing happens twice."""
    imported()
    key_pair = trusted(good_for=301)
    one, two = visit("rotate_keypair"), visit("rotate_keypair")
    activate = Rotation.activate

    def come_second(rotation: Rotation, *args: object, **kwargs: object) -> None:
        monkeypatch.setattr(Rotation, "activate", activate)
        one.post(address("activate", key_pair))
        activate(rotation, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Rotation, "activate", come_second)

    page = two.post(address("activate", key_pair))

    assert "Another process is at the same step." in page
    assert fresh(key_pair).status == "active"
    assert log().count(f"{key_pair}: Active") == 1


def test_group_of_the_key_is_no_longer_the_sites(admin: Visitor) -> None:
    """A key of a former key group has no steps here: the address leads back with a message."""
    key_pair = started()
    KeyPair.objects.filter(pk=key_pair.pk).update(key_group_id="former", next_in="former")

    assert "This step is not due" in admin.post(address("trust", key_pair))
    assert "Key pair id" in admin.get(f"{LIST}{key_pair.pk}/change/")


def test_page_asks_few_questions(admin: Visitor) -> None:
    """The number of queries does not grow with the number of keys."""
    imported()
    activated()

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            admin.get()
        return len(queries)

    few = count()
    for _ in range(5):
        KeyPair.objects.filter(pk=started().pk).update(status="retired", next_in=None)

    assert count() == few


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (
            ProbeResult.UNRESTRICTED,
            "so links are not checked there. Set Restrict viewer access",
        ),
        (ProbeResult.REFUSED, "was answered with 403, and neither by S3 nor for its key."),
    ],
)
def test_probe_that_proves_nothing_is_shown(
    admin: Visitor, cloudfront: FakeCloudFront, result: ProbeResult, sentence: str
) -> None:
    """Why a key cannot sign is said by each look, that of an open page and the last one too."""
    imported()
    key_pair = trusted(good_for=301)
    cloudfront.probe_result = result

    pages = [
        admin.take("activate", key_pair),
        admin.post(address("check", key_pair)),
        admin.post(address("check", key_pair), quiet="1"),
    ]

    for page in pages:
        assert sentence in page
    assert fresh(key_pair).status == "trusted"
