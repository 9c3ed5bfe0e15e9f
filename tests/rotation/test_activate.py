"""Test how a key begins to sign, how the one before it ends, and how long its links are kept."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.errors import (
    Blocked,
    ProbeFailed,
    Restored,
    RotationError,
    Unanswered,
)
from cfsigned_django.rotation.lifecycle import Cause
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.rotation.steps import Action, Step, advance, take
from cfsigned_django.storage import CloudFrontS3Storage
from tests.rotation import WAITS, Site, change, fresh, statuses
from tests.rotation.commands import Shell


def test_one_signs_and_the_other_retires(key_group: Site) -> None:
    """The successor becomes ACTIVE and the former RETIRING in one move."""
    former = key_group.imported()

    key_pair = key_group.activated()

    assert statuses() == {str(former): "retiring", str(key_pair): "active"}
    assert fresh(former).retiring_at == key_group.now
    assert key_group.members == {key_group.foreign, str(former), str(key_pair)}


@pytest.mark.parametrize(("good_for", "ahead"), [(299, 0), (10, 3600)])
def test_key_waits_until_every_edge_knows_it(key_group: Site, good_for: int, ahead: int) -> None:
    """A key signs only after the propagation time, also if the caller's clock is ahead."""
    key_pair = key_group.trusted(good_for=good_for)
    now = key_group.now + timedelta(seconds=ahead)

    with pytest.raises(Blocked) as caught:
        key_group.rotation().activate(key_pair, now=now)

    assert [each.cause for each in caught.value.blockers] == [Cause.PROPAGATION]


def test_key_that_was_taken_out_waits_again(key_group: Site) -> None:
    """Somebody took the key out: it is put back, and does not sign before its time."""
    former, key_pair = key_group.imported(), key_group.trusted(good_for=301)
    key_group.take_out(key_pair)

    with pytest.raises(Restored):
        key_group.rotation().activate(key_pair, now=key_group.now)

    assert statuses() == {str(former): "active", str(key_pair): "trusted"}
    assert fresh(key_pair).verified_since is None
    assert str(key_pair) in key_group.members


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (ProbeResult.WRONG_KEY, ProbeFailed),
        (ProbeResult.REFUSED, ProbeFailed),
        (ProbeResult.UNRESTRICTED, ProbeFailed),
        (ProbeResult.UNKNOWN_KEY, Blocked),
        (ProbeResult.NO_ANSWER, Unanswered),
    ],
)
@pytest.mark.parametrize("by_itself", [True, False])
def test_last_probe_must_be_answered(
    key_group: Site, answer: ProbeResult, error: type[RotationError], by_itself: bool
) -> None:
    """Before a key signs, CloudFront must answer one more probe well, whoever activates it."""
    former, key_pair = key_group.imported(), key_group.trusted(good_for=301)
    key_group.answer = answer

    if not by_itself:
        with pytest.raises(error):
            key_group.rotation().activate(key_pair, now=key_group.now)
    elif error is Blocked:
        assert key_group.advance() is None
    else:
        with pytest.raises(error):
            key_group.advance()

    assert statuses() == {str(former): "active", str(key_pair): "trusted"}
    waits_anew = answer is not ProbeResult.NO_ANSWER
    assert (fresh(key_pair).verified_since is None) is waits_anew


def test_group_is_read_once(key_group: Site) -> None:
    """One look at the key group is enough to let a key sign, and to check one."""
    key_group.imported()
    key_pair = key_group.trusted(good_for=301)
    calls: list[tuple[str, str]] = []
    rotation = key_group.rotation(boundary=lambda *moment: calls.append(moment))

    take(rotation, Step(action=Action.CHECK, key_pair=key_pair), now=key_group.now)
    rotation.activate(key_pair, now=key_group.now)

    assert calls == [("get_key_group", "before"), ("get_key_group", "after")] * 2


def test_retired_key_leaves_nothing_behind(key_group: Site) -> None:
    """A RETIRING key stays for its last link; then it is out, deleted and its private half erased.

    An ACTIVE key that somebody took out is put back first.
    """
    former, key_pair = key_group.imported(), key_group.activated()
    key_group.wait(3779)
    with pytest.raises(Blocked) as caught:
        key_group.retire(former)
    assert [each.cause for each in caught.value.blockers] == [Cause.URLS_OUT]
    assert str(former) in key_group.members

    key_group.wait(1)
    key_group.set_members(str(former))
    key_group.retire(former)

    row = fresh(former)
    assert (row.status, row.encrypted_private_key) == ("retired", "")
    assert row.retired_at == row.removed_at == key_group.now
    assert key_group.members == {str(key_pair)}
    assert key_group.public_keys == {key_group.foreign, str(key_pair)}


# Settings that change while links are out


def raised(key_group: Site) -> Rotation:
    """Return the rotation under settings that let links live for a day."""
    return replace(key_group.rotation(), waits=replace(WAITS, url_lifetime=86_400))


def test_longest_lifetime_is_remembered(key_group: Site) -> None:
    """What the settings allow is written down for the key that signs, never lowered, and waited."""
    former = key_group.imported()
    for recorded, expected in ((5, 3780), (10_000, 10_000)):
        change(former, retirement_seconds=recorded)
        key_group.rotation().remember_waits([fresh(former)])
        assert fresh(former).retirement_seconds == expected

    key_group.activated()
    key_group.wait(9_999)
    with pytest.raises(Blocked):
        key_group.retire(former)
    key_group.wait(1)
    key_group.retire(former)


@pytest.mark.parametrize("is_retiring", [False, True])
def test_lifetime_is_raised_for_one_run(key_group: Site, is_retiring: bool) -> None:
    """Where another step is taken in that run, links of each key are waited for all the same."""
    key_pair = key_group.imported()
    if is_retiring:
        key_group.activated()
    key_group.started()

    assert advance(raised(key_group), now=key_group.now) is not None

    if not is_retiring:
        for seconds in (1, 301):
            key_group.wait(seconds)
            key_group.advance()
    assert fresh(key_pair).status == "retiring"
    key_group.wait(86_400)
    with pytest.raises(Blocked):
        key_group.retire(key_pair)
    key_group.wait(181)
    key_group.retire(key_pair)


def test_run_that_fails_has_recorded_the_lifetime(key_group: Site) -> None:
    """The waits are recorded before any step, whatever becomes of that."""
    key_pair, successor = key_group.imported(), key_group.trusted()
    change(successor, encrypted_private_key="damaged")

    with pytest.raises(CannotUnseal):
        advance(raised(key_group), now=key_group.now)

    assert fresh(key_pair).retirement_seconds == 86_400 + 180


def test_only_keys_that_signed_are_given_a_lifetime(key_group: Site) -> None:
    """Keys that never signed, that are over, or that are another group's have none."""
    leaked, active = key_group.trusted(), key_group.imported()
    key_group.revoke(leaked)
    successor, others = key_group.trusted(), fresh(active)
    others.pk, others.key_pair_id = uuid4(), "KOTHER"
    others.key_group_id = others.active_in = "other"
    others.save(force_insert=True)

    raised(key_group).remember_waits(raised(key_group).store.key_pairs())

    assert fresh(active).retirement_seconds == 86_400 + 180
    assert [fresh(each).retirement_seconds for each in (leaked, successor, others)] == [0, 0, 3780]


class TestMaxExpire:
    """AWS_CLOUDFRONT_MAX_EXPIRE limits every URL of a site, and each retirement waits so long."""

    def test_storage_with_a_higher_limit(self, shell: Shell, site: Any) -> None:
        """No storage lets its URLs live longer than the setting, which a rotation waits for."""
        storage = CloudFrontS3Storage(max_expire=30 * 86_400)
        with pytest.raises(ImproperlyConfigured, match="AWS_CLOUDFRONT_MAX_EXPIRE"):
            storage.url("a.jpg")

        site.AWS_CLOUDFRONT_MAX_EXPIRE = 30 * 86_400

        assert "Signature=" in CloudFrontS3Storage(max_expire=30 * 86_400).url("a.jpg")
        assert site_rotation(by_hand=True).waits.url_lifetime == 30 * 86_400

    def test_storage_with_a_step_of_its_own(self, shell: Shell) -> None:
        """A step in a storage's options lets no URL live longer than a rotation waits."""
        storage = CloudFrontS3Storage(expire_step=3600)

        (expires,) = parse_qs(urlsplit(storage.url("a.jpg")).query)["Expires"]

        assert int(expires) <= time.time() + site_rotation(by_hand=True).waits.url_lifetime

    @pytest.mark.parametrize("limit", [None, 0, -1, "7 days", 1.5])
    def test_limit_that_makes_no_sense(self, shell: Shell, site: Any, limit: Any) -> None:
        """No rotation begins under a limit that it cannot wait for."""
        site.AWS_CLOUDFRONT_MAX_EXPIRE = limit

        with pytest.raises(ImproperlyConfigured, match=r"cfsigned\.E014"):
            site_rotation(by_hand=True)
