"""Test that whatever fails is a message with the next step, never a server error."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.errors import Claimed, RotationError
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from tests.admin import (
    FakeCloudFront,
    Visitor,
    address,
    fresh,
    imported,
    log,
    moved,
    started,
    trusted,
)
from tests.admin.conftest import LATE, MakeVisitor


@pytest.mark.parametrize(
    ("failure", "level"),
    [
        (LATE, "not done"),
        (Claimed(), "error"),
        (RotationError("Somebody took it out."), "error"),
        (CannotUnseal("SECRET_KEY has changed"), "error"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_failure_of_a_step_is_told(
    admin: Visitor, monkeypatch: pytest.MonkeyPatch, failure: Exception, level: str
) -> None:
    """Each kind of failure comes back in its own words, and the key stays as it was."""
    imported()
    key_pair = started()

    def fail(*args: object, **kwargs: object) -> None:
        raise failure

    monkeypatch.setattr(Rotation, "trust", fail)

    page = admin.take("trust", key_pair)

    assert admin.levels == [level]
    assert str(failure) in page
    assert fresh(key_pair).status == "pending"


def test_lost_answer_can_be_tried_again(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """After a timeout the same button does the step; nothing is there twice."""
    imported()
    key_pair = started()
    cloudfront.failure = LATE
    admin.take("trust", key_pair)
    assert admin.levels == ["not done"]
    cloudfront.failure = None
    moved(key_pair, claimed_until=-1)

    admin.take("trust", key_pair)

    assert fresh(key_pair).status == "trusted"
    assert len(cloudfront.trusted) == 2


def test_full_key_group_is_told_before_a_key_is_made(
    admin: Visitor, cloudfront: FakeCloudFront
) -> None:
    """Five keys are the quota: the page says so, and no key is generated in vain."""
    members = list(cloudfront.trusted)
    for number in range(4):
        members.append(cloudfront.create(f"other {number}", started().public_key))
        KeyPair.objects.all().delete()
    cloudfront.set_members(*members)

    page = admin.take("start", algorithm="ECDSA_P256")

    assert admin.levels == ["not done"]
    assert "AWS_CLOUDFRONT_KEY_GROUP_QUOTA" in page
    assert not KeyPair.objects.exists()


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("AWS_CLOUDFRONT_KEY", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B", ""),
        ("AWS_CLOUDFRONT_ENCRYPTION_KEYS", ["no Fernet key"], "AWS_CLOUDFRONT_ENCRYPTION_KEYS"),
        ("AWS_CLOUDFRONT_KEY_GROUP_ID", None, "AWS_CLOUDFRONT_KEY_GROUP_ID"),
    ],
)
def test_setting_that_makes_a_step_impossible(
    admin: Visitor, settings: Settings, setting: str, value: object, named: str
) -> None:
    """A step says which setting keeps it from being done, shows no secret, and does nothing."""
    setattr(settings, setting, value)

    page = admin.post(address("import"))

    assert "error" in admin.levels
    assert named in page
    assert "MIIEvQIBADANBgkqhkiG9w0B" not in page
    assert not KeyPair.objects.exists()


def test_two_people_take_a_step_at_once(visit: MakeVisitor) -> None:
    """Both have the page open: the step is done and logged once, and the second is told."""
    imported()
    one, two = visit("rotate_keypair"), visit("rotate_keypair")
    for person, algorithm in ((one, "ECDSA_P256"), (two, "RSA_2048")):
        person.post(address("start"), algorithm=algorithm)
    assert (one.levels, two.levels) == (["success"], ["warning"])
    assert [each.algorithm for each in KeyPair.objects.filter(status="pending")] == ["ECDSA_P256"]

    KeyPair.objects.filter(status="pending").delete()
    key_pair = trusted(good_for=301)
    for person in (one, two):
        person.post(address("activate", key_pair))

    assert (one.levels, two.levels) == (["success"], ["warning"])
    assert log().count((str(key_pair), "active", "")) == 1


def test_race_between_look_and_move(visit: MakeVisitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """If somebody is quicker between this person's look and move, nothing happens twice."""
    imported()
    key_pair = trusted(good_for=301)
    one, two = visit("rotate_keypair"), visit("rotate_keypair")
    activate = Rotation.activate

    def come_second(rotation: Rotation, *args: object, **kwargs: object) -> None:
        monkeypatch.setattr(Rotation, "activate", activate)
        one.post(address("activate", key_pair))
        activate(rotation, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Rotation, "activate", come_second)

    two.post(address("activate", key_pair))

    assert (one.levels, two.levels) == (["success"], ["error"])
    assert fresh(key_pair).status == "active"
    assert log().count((str(key_pair), "active", "")) == 1
