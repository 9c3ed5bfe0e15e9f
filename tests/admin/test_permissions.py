"""Test that looking, rotating and revoking are three permissions, and each is asked for."""

from __future__ import annotations

import pytest

from cfsigned_django.rotation.models import KeyPair
from tests.admin import LIST, activated, address, detail, fresh, imported
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
    download = address("download", key_pair)

    for path in (LIST, address("start"), address("revoke", key_pair), download):
        answer = visitor.client.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    ("permission", "shown", "offered", "forbidden"),
    [
        ("view_user", 403, None, ["start", "import", "download", "revoke", *ROTATE_STEPS]),
        ("view_keypair", 200, set(), ["start", "import", "revoke", *ROTATE_STEPS]),
        ("rotate_keypair", 200, {"start", "retire"}, ["revoke"]),
        ("revoke_keypair", 200, {"revoke"}, ["start", "import", "retire"]),
    ],
)
def test_each_permission_opens_its_steps(
    visit: MakeVisitor,
    key_pair: KeyPair,
    permission: str,
    shown: int,
    offered: set[str] | None,
    forbidden: list[str],
) -> None:
    """Looking, rotating and revoking in an emergency need a permission each, on every page."""
    visitor = visit(permission)
    former = KeyPair.objects.get(status="retiring")
    addresses = {
        step: address(step, None if step in ("start", "import") else former)
        for step in ("start", "import", "download", "revoke", *ROTATE_STEPS)
    }

    for path in (LIST, detail(former)):
        assert visitor.client.get(path).status_code == shown
        html = visitor.client.get(path).text
        for step in forbidden:
            assert f'"{addresses[step]}"' not in html
    for step in forbidden:
        assert visitor.statuses(addresses[step]) == (403, 403)
    assert (LIST in visitor.client.get("/admin/").text) is (offered is not None)
    if offered is not None:
        html = visitor.client.get(LIST).text
        assert {step for step, path in addresses.items() if f'"{path}"' in html} == offered
    assert fresh(former).status == "retiring"


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

    assert visitor.statuses(f"{LIST}add/") == (403, 403)
    assert visitor.statuses(f"{LIST}{former.pk}/delete/") == (403, 403)
    visitor.client.post(detail(former), {"status": "active"})
    visitor.client.post(LIST, {"action": "delete_selected", "_selected_action": str(former.pk)})

    assert KeyPair.objects.filter(pk=former.pk).values().get() == before
