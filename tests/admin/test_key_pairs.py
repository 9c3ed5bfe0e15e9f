"""Test who may do what, and that no key material leaves: by no page, message, log or error page."""

from __future__ import annotations

from unittest import mock

import pytest
from pytest_django import Settings

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.admin import LIST, Visitor, address, detail
from tests.admin.conftest import MakeVisitor
from tests.leaks import key_material
from tests.rotation import Shell, fresh

ROTATE_STEPS = ("start", "import", "trust", "check", "activate", "retire")


@pytest.fixture
def key_pair(cloudfront: Shell) -> KeyPair:
    """Return a key pair that signs, with one before it that can be retired."""
    cloudfront.imported()
    key_pair = cloudfront.activated()
    cloudfront.wait(8 * 86400)
    return key_pair


def test_anonymous_people_log_in_first(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """Every address leads to the login, and gives nothing away."""
    visitor = visit()
    visitor.client.logout()
    download = address("download", key_pair)

    for path in (LIST, address("start"), address("revoke", key_pair), download):
        answer = visitor.client.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    ("permission", "shown", "offered", "forbidden"),
    [
        ("view_user", 403, None, {"download", "revoke", "finish", *ROTATE_STEPS}),
        ("view_keypair", 200, set(), {"revoke", "finish", *ROTATE_STEPS}),
        ("rotate_keypair", 200, {"start", "retire"}, {"revoke"}),
        ("revoke_keypair", 200, {"revoke"}, {*ROTATE_STEPS}),  # and to finish a revocation
    ],
)
def test_each_permission_opens_its_steps(
    visit: MakeVisitor,
    key_pair: KeyPair,
    permission: str,
    shown: int,
    offered: set[str] | None,
    forbidden: set[str],
) -> None:
    """Viewing, rotating and revoking each need a permission, on every page."""
    visitor = visit(permission)
    former = KeyPair.objects.get(status="retiring")
    addresses = {
        step: address(step, None if step in ("start", "import") else former)
        for step in ("download", "revoke", "finish", *ROTATE_STEPS)
    }

    pages = [visitor.client.get(path) for path in (LIST, detail(former))]
    assert [each.status_code for each in pages] == [shown, shown]
    lacks_rotate = shown == 200 and "start" in forbidden
    assert ("You do not have the permission to rotate" in pages[0].text) is lacks_rotate
    for step in forbidden:
        assert not any(f'"{addresses[step]}"' in each.text for each in pages)
    assert {
        step for step, path in addresses.items() if visitor.client.get(path).status_code == 403
    } == forbidden
    assert {visitor.client.post(addresses[step]).status_code for step in forbidden} == {403}
    assert (LIST in visitor.client.get("/admin/").text) is (offered is not None)
    if offered is not None:
        found = {step for step, path in addresses.items() if f'"{path}"' in pages[0].text}
        assert found == offered
    assert fresh(former).status == "retiring"
    # Nor does a page record for strangers when a key stopped signing.
    KeyPair.objects.filter(pk=former.pk).update(retiring_at=None)
    visitor.client.get(detail(former))
    assert (fresh(former).retiring_at is not None) is (shown == 200)


def test_nobody_adds_changes_or_deletes(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """Not even a superuser edits a row, or loses its history."""
    visitor = visit(superuser=True)
    former = KeyPair.objects.get(status="retiring")
    before = KeyPair.objects.filter(pk=former.pk).values().get()

    for path in (f"{LIST}add/", f"{LIST}{former.pk}/delete/"):
        assert visitor.client.get(path).status_code == 403
        assert visitor.client.post(path).status_code == 403
    visitor.client.post(detail(former), {"status": "active"})
    visitor.client.post(LIST, {"action": "delete_selected", "_selected_action": str(former.pk)})

    assert KeyPair.objects.filter(pk=former.pk).values().get() == before


# Key material


@pytest.mark.parametrize("debug", [True, False])
def test_error_page_shows_no_key(
    admin: Visitor,
    cloudfront: Shell,
    private_keys: list[PrivateKey],
    settings: Settings,
    debug: bool,
) -> None:
    """The debug page of an unexpected error shows local variables, but no key."""
    settings.DEBUG = debug
    cloudfront.imported()
    key_pair = cloudfront.started()
    encrypted = set(KeyPair.objects.values_list("encrypted_private_key", flat=True)) - {""}
    admin.client.raise_request_exception = False

    fail = mock.Mock(side_effect=ZeroDivisionError)
    new = {"algorithm": "ECDSA_P256", "reason": ""}
    cloudfront.failure = ZeroDivisionError()
    answers = [admin.client.post(address("trust", key_pair))]
    cloudfront.failure = None
    KeyPair.objects.all().delete()
    for what in (
        "cfsigned_django.rotation.models.KeyPair.save",
        "cryptography.hazmat.primitives.kdf.hkdf.HKDF",
    ):
        with mock.patch(what, fail):
            answers.append(admin.client.post(address("start"), new))

    assert [each.status_code for each in answers] == [500, 500, 500]
    assert ("Local vars" in answers[0].text) is debug
    seen = "\n".join(each.text for each in answers)
    assert key_material(seen, private_keys) == []
    assert [each for each in (*encrypted, "PRIVATE KEY-----") if each in seen] == []
