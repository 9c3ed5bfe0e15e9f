"""Test that looking, rotating and revoking are three permissions, and each is asked for."""

from __future__ import annotations

import pytest

from cfsigned_django.rotation.models import KeyPair
from tests.admin import LIST, activated, address, buttons, fresh, imported
from tests.admin.conftest import MakeVisitor

ROTATE_STEPS = ("trust", "check", "activate", "retire", "finish")


@pytest.fixture
def key_pair(db: None) -> KeyPair:
    """Return a key pair that signs, with one before it that can be retired."""
    imported()
    return activated(former_retiring_for=8 * 86400)


def test_anonymous_people_log_in_first(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """Every address leads to the login, and gives nothing away."""
    visitor = visit()
    visitor.client.logout()

    for path in (LIST, address("start"), address("revoke", key_pair), download(key_pair)):
        answer = visitor.client.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")


def test_staff_without_permission_sees_nothing(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """No page, no step and no download without a permission of this page."""
    visitor = visit("view_user")

    assert visitor.status(LIST) == (403, 403)
    assert visitor.status(download(key_pair))[0] == 403
    assert visitor.status(f"{LIST}{key_pair.pk}/change/")[0] == 403
    for step in ROTATE_STEPS:
        assert visitor.status(address(step, key_pair)) == (403, 403)


def test_viewer_sees_all_and_no_button(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """Who may view sees how things stand, without a single way to change them."""
    visitor = visit("view_keypair")

    page, html = visitor.get(), visitor.client.get(LIST).text

    assert f"Signs now {key_pair}" in page
    assert "Rotating keys needs a permission that you do not have." in page
    assert buttons(html) == []
    assert "Revoke…" not in page
    assert 'method="post" action="/admin/cfsigned' not in html
    assert visitor.status(address("start")) == (403, 403)
    assert visitor.status(address("import")) == (403, 403)
    for step in (*ROTATE_STEPS, "revoke"):
        assert visitor.status(address(step, key_pair)) == (403, 403)
    assert fresh(key_pair).status == "active"


def test_detail_of_a_viewer_has_no_button(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """The page of one key offers a viewer nothing either."""
    html = visit("view_keypair").client.get(f"{LIST}{key_pair.pk}/change/").text

    assert address("revoke", key_pair) not in html


def test_rotator_may_not_revoke(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """To rotate breaks nothing; to break links is another permission."""
    visitor = visit("rotate_keypair")

    assert "Start rotation" in visitor.get()
    assert "Revoke…" not in visitor.get()
    assert visitor.status(address("revoke", key_pair)) == (403, 403)


def test_revoker_may_not_rotate(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """Who may revoke in an emergency need not be able to start a rotation."""
    visitor = visit("revoke_keypair")

    page = visitor.get()

    assert "Revoke…" in page
    assert "Nothing to do before" in page
    assert buttons(visitor.client.get(LIST).text) == []
    assert visitor.status(address("start")) == (403, 403)


@pytest.mark.parametrize("permission", ["rotate_keypair", "revoke_keypair"])
def test_either_may_finish_a_revocation(
    visit: MakeVisitor, key_pair: KeyPair, permission: str
) -> None:
    """What was revoked leaves CloudFront by whoever comes first."""
    KeyPair.objects.filter(pk=key_pair.pk).update(
        status="revoked", active_in=None, revoked_at=key_pair.active_at
    )

    visit(permission).take("finish", key_pair)

    assert fresh(key_pair).removed_at is not None


def test_nobody_adds_changes_or_deletes(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """Not even a superuser edits a row, or loses its history."""
    visitor = visit(superuser=True)
    former = KeyPair.objects.get(status="retiring")
    before = KeyPair.objects.filter(pk=former.pk).values().get()

    assert visitor.status(f"{LIST}add/") == (403, 403)
    assert visitor.status(f"{LIST}{former.pk}/delete/") == (403, 403)
    visitor.client.post(f"{LIST}{former.pk}/change/", {"status": "active"})
    visitor.client.post(LIST, {"action": "delete_selected", "_selected_action": str(former.pk)})

    assert KeyPair.objects.filter(pk=former.pk).values().get() == before


def test_admin_index_leads_here(visit: MakeVisitor) -> None:
    """Any of the three permissions brings the page onto the index of the admin."""
    for permission in ("view_keypair", "rotate_keypair", "revoke_keypair"):
        assert LIST in visit(permission).client.get("/admin/").text


def download(key_pair: KeyPair) -> str:
    """Return the address of the public key's file."""
    return address("download", key_pair)
