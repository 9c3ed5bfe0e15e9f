"""Test what the page says and logs where somebody has taken a key out of its group."""

from __future__ import annotations

import pytest

from cfsigned_django.rotation import site as site_rotation
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from tests.admin import (
    LIST,
    FakeCloudFront,
    Visitor,
    activated,
    address,
    fresh,
    imported,
    log,
    trusted,
)

PUT_BACK = "put back into the key group"


def take_out(cloudfront: FakeCloudFront, key_pair: KeyPair) -> None:
    """Take a key out of the group, as somebody else does."""
    answer = cloudfront.api.get_key_group(Id=cloudfront.key_group_id)
    config = answer["KeyGroup"]["KeyGroupConfig"]
    items = [each for each in config["Items"] if each != str(key_pair)]
    cloudfront.api.update_key_group(
        Id=cloudfront.key_group_id,
        IfMatch=answer["ETag"],
        KeyGroupConfig={**config, "Items": items},
    )


@pytest.mark.parametrize("is_retiring", [False, True])
def test_key_that_was_taken_out_is_put_back(
    admin: Visitor, cloudfront: FakeCloudFront, is_retiring: bool
) -> None:
    """Whoever checks a key whose links are out is warned that it was missing; it is back then."""
    former = imported()
    other = activated() if is_retiring else trusted(spare=True)
    take_out(cloudfront, former)
    assert "Check again" in admin.get(f"{LIST}{former.pk}/change/")
    assert f"whether {former} is in the key group" in admin.get(address("check", former))

    page = admin.post(address("check", former))

    assert f"{former} had been taken out of the key group, so its links were refused." in page
    assert log()[-1] == f"{former}: {fresh(former).get_status_display()} ({PUT_BACK})"
    assert {str(former), str(other)} <= cloudfront.trusted
    written = log()
    page = admin.post(address("check", former))
    assert log() == written
    assert f"{former} is in the key group, and so is every key whose links are out." in page


def test_check_of_the_next_key_puts_the_signing_one_back(
    admin: Visitor, cloudfront: FakeCloudFront
) -> None:
    """Where AWS is asked for the next key, it is asked for the others as well."""
    active, successor = imported(), trusted()
    take_out(cloudfront, active)

    page = admin.post(address("check", successor))

    assert f"{active} had been taken out of the key group" in page
    assert log()[-1] == f"{active}: Active ({PUT_BACK})"


def test_next_key_that_is_put_back_is_logged(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """A look that puts the next key back changes CloudFront, so the log has who made it."""
    imported()
    successor = trusted()
    take_out(cloudfront, successor)

    page = admin.post(address("check", successor))

    assert f"Someone had taken {successor} out of the key group." in page
    assert log()[-1] == f"{successor}: Trusted ({PUT_BACK})"


def test_key_that_is_taken_out_at_its_last_look_is_logged(
    admin: Visitor, cloudfront: FakeCloudFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that ends in an error has changed CloudFront all the same: the log has it."""
    imported()
    successor = trusted(good_for=3600)

    def probe(url: str) -> ProbeResult:
        take_out(cloudfront, successor)
        return ProbeResult.GOOD

    monkeypatch.setattr(site_rotation, "send_probe", probe)
    page = admin.post(address("activate", successor))

    assert "It is in it again, and its waiting time begins anew." in page
    assert log() == [f"{successor}: Trusted ({PUT_BACK})"]
    assert str(successor) in cloudfront.trusted


def test_successor_that_a_revocation_puts_back_is_logged(
    admin: Visitor, cloudfront: FakeCloudFront
) -> None:
    """Where the next key signs in haste, the log says that it was missing as well."""
    active, successor = imported(), trusted()
    take_out(cloudfront, successor)

    admin.post(address("revoke", active), reason="leaked", typed=str(active))

    assert log()[0] == f"{successor}: Trusted ({PUT_BACK})"
    assert f"{successor}: Active" in log()
    assert fresh(active).status == "revoked"


@pytest.mark.parametrize("step", ["retire", "finish"])
def test_signing_key_that_is_put_back_before_another_goes_is_logged(
    admin: Visitor, cloudfront: FakeCloudFront, step: str
) -> None:
    """A step that takes one key out of CloudFront looks after the one that signs, and says so."""
    former = imported()
    active = activated(former_retiring_for=8 * 86400)
    if step == "finish":
        KeyPair.objects.filter(pk=former.pk).update(status="revoked")
    take_out(cloudfront, active)

    admin.post(address(step, former))

    assert log()[0] == f"{active}: Active ({PUT_BACK})"
    assert cloudfront.trusted == {str(active)}
