"""Test that links which were issued under other settings are waited for."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.errors import Blocked
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.rotation.steps import advance
from cfsigned_django.storage import CloudFrontS3Storage
from tests.rotation import WAITS, Site, fresh
from tests.rotation.commands import Shell


def raised(key_group: Site) -> Rotation:
    """Return the rotation under settings that let links live for a day."""
    return replace(key_group.rotation(), waits=replace(WAITS, url_lifetime=86_400))


def test_longer_lifetime_of_before_counts(key_group: Site) -> None:
    """Links that were issued while the settings allowed a longer life are waited for."""
    former = key_group.imported()
    KeyPair.objects.filter(pk=former.pk).update(retirement_seconds=10_000)
    key_group.activated()
    key_group.wait(9_999)

    with pytest.raises(Blocked):
        key_group.rotation().retire(fresh(former), now=key_group.now)


def test_longer_lifetime_of_now_is_remembered(key_group: Site) -> None:
    """What the settings allow now is written down for the key that signs, and never lowered."""
    active = key_group.imported()
    KeyPair.objects.filter(pk=active.pk).update(retirement_seconds=5)

    key_group.rotation().remember_waits([fresh(active)])
    assert fresh(active).retirement_seconds == 3780

    KeyPair.objects.filter(pk=active.pk).update(retirement_seconds=99_999)
    key_group.rotation().remember_waits([fresh(active)])
    assert fresh(active).retirement_seconds == 99_999


@pytest.mark.parametrize("is_retiring", [False, True])
def test_lifetime_is_raised_for_one_run(key_group: Site, is_retiring: bool) -> None:
    """Where another step is taken in that run, links of each key are waited for all the same."""
    key_pair = key_group.imported()
    if is_retiring:
        key_group.activated()
    key_group.started()

    assert advance(raised(key_group), now=key_group.now) is not None

    if not is_retiring:
        key_group.wait(1)
        advance(key_group.rotation(), now=key_group.now)
        key_group.wait(301)
        advance(key_group.rotation(), now=key_group.now)
    assert fresh(key_pair).status == "retiring"
    key_group.wait(86_400)
    with pytest.raises(Blocked):
        key_group.rotation().retire(fresh(key_pair), now=key_group.now)
    key_group.wait(181)
    key_group.rotation().retire(fresh(key_pair), now=key_group.now)


def test_run_that_fails_has_recorded_the_lifetime(key_group: Site) -> None:
    """The waits are recorded before any step, whatever becomes of that."""
    key_pair = key_group.imported()
    successor = key_group.trusted()
    KeyPair.objects.filter(pk=successor.pk).update(encrypted_private_key="damaged")

    with pytest.raises(CannotUnseal):
        advance(raised(key_group), now=key_group.now)

    assert fresh(key_pair).retirement_seconds == 86_400 + 180


def test_only_keys_that_signed_are_given_a_lifetime(key_group: Site) -> None:
    """Keys that never signed, that are over, or that are another group's have none."""
    leaked, active = key_group.trusted(), key_group.imported()
    key_group.rotation().revoke(leaked, now=key_group.now, reason="")
    successor = key_group.trusted()
    others = KeyPair.objects.get(pk=active.pk)
    others.pk, others.key_pair_id = uuid4(), "KOTHER"
    others.key_group_id = others.active_in = "other"
    others.save(force_insert=True)

    raised(key_group).remember_waits(raised(key_group).store.key_pairs())

    assert fresh(active).retirement_seconds == 86_400 + 180
    assert [fresh(each).retirement_seconds for each in (leaked, successor, others)] == [0, 0, 3780]


class TestSite:
    """AWS_CLOUDFRONT_MAX_EXPIRE limits every URL of a site, and each retirement waits so long."""

    def test_storage_with_a_higher_limit(self, shell: Shell) -> None:
        """A storage may not let its URLs live longer than the setting, wherever it is made."""
        storage = CloudFrontS3Storage(max_expire=30 * 86_400)

        with pytest.raises(ImproperlyConfigured, match="would retire keys that they still need"):
            storage.url("a.jpg")

    def test_storage_with_a_step_of_its_own(self, shell: Shell) -> None:
        """A step in a storage's options lets no URL live longer than a rotation waits."""
        storage = CloudFrontS3Storage(expire_step=3600)

        (expires,) = parse_qs(urlsplit(storage.url("a.jpg")).query)["Expires"]

        assert int(expires) <= time.time() + site_rotation(by_hand=True).waits.url_lifetime

    def test_setting_is_raised(self, shell: Shell, site: Any) -> None:
        """A site whose URLs live for a month waits for a month, without asking its storages."""
        site.AWS_CLOUDFRONT_MAX_EXPIRE = 30 * 86_400

        assert "Signature=" in CloudFrontS3Storage(max_expire=30 * 86_400).url("a.jpg")
        assert site_rotation(by_hand=True).waits.url_lifetime == 30 * 86_400

    @pytest.mark.parametrize("limit", [None, 0, -1, "7 days", 1.5])
    def test_limit_that_makes_no_sense(self, shell: Shell, site: Any, limit: Any) -> None:
        """No rotation begins under a limit that it cannot wait for."""
        site.AWS_CLOUDFRONT_MAX_EXPIRE = limit

        with pytest.raises(ImproperlyConfigured, match=r"cfsigned\.E014"):
            site_rotation(by_hand=True)
