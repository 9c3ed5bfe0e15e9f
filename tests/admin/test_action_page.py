"""Test the way out in an emergency: it asks twice, and says what breaks and what signs then.

Modules: admin/pages.py
"""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller
from pathlib import Path

import pytest
from pytest_django import Settings

from cfsigned_django.rotation.models import KeyPair, KnownReason
from tests.admin import Visitor, address, english_words, log
from tests.admin.conftest import DENIED
from tests.admin.transcript import Transcript
from tests.rotation import Shell, change, fresh

WAITING = methodcaller("trusted", good_for=60)
READY = methodcaller("trusted", good_for=3600)


def damaged(cloudfront: Shell) -> None:
    """Make a successor whose private key cannot be decrypted."""
    change(READY(cloudfront), encrypted_private_key="damaged")


#: What is next, whether a person changes CloudFront, and what then signs after a revocation.
SUCCESSIONS: list[tuple[Callable[[Shell], object], bool, str]] = [
    (READY, False, "successor"),
    (WAITING, False, "successor_early"),
    (Shell.started, False, "successor_early"),
    (lambda shell: None, False, "new_key"),
    (damaged, False, "new_key"),
    (lambda shell: None, True, "nothing"),
    (Shell.started, True, "nothing"),
    (damaged, True, "nothing"),
]


def test_page_says_what_signs_afterwards(
    admin: Visitor, cloudfront: Shell, settings: Settings, transcript: Transcript
) -> None:
    """The page of a revocation says which key takes over, and how well it is known.

    In Korean, it holds no English word.
    """
    english = set[str]()

    def read(key_pair: KeyPair, title: str, after: str) -> None:
        admin.get(address("revoke", key_pair))
        assert admin.context["revocation"].is_outage is (after == "nothing")
        transcript.add(title)
        english.update(english_words(admin.korean(address("revoke", key_pair))))

    for prepare, by_hand, after in SUCCESSIONS:
        cloudfront.begin()
        key_pair = cloudfront.imported()
        prepare(cloudfront)
        settings.AWS_CLOUDFRONT_BY_HAND = by_hand
        read(key_pair, f"{after}{', by hand' if by_hand else ''}", after)
        settings.AWS_CLOUDFRONT_BY_HAND = False
        KeyPair.objects.all().delete()

    cloudfront.imported()
    read(cloudfront.started(), "a key that never signed", "unchanged")
    assert admin.context["revocation"].minutes == 0
    KeyPair.objects.all().delete()
    key_pair = cloudfront.activated()
    settings.AWS_CLOUDFRONT_BY_HAND = True
    read(key_pair, "the key of the settings was never imported", "settings")
    transcript.check("admin-revocation")
    assert english == set()


def test_link_to_the_documentation(
    admin: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cloudfront: Shell
) -> None:
    """Link to the page for this emergency if the package names an address, else name no page."""
    page = address("revoke", cloudfront.imported())
    assert "A key leaked" not in admin.get(page)
    (described := tmp_path / "cfsigned_django-9.dist-info").mkdir()
    (described / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: cfsigned-django\nVersion: 9\n"
        "Project-URL: Documentation, https://docs.example/index.md\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)

    admin.get(page)

    english = admin.answers[-1].text
    assert '<a href="https://docs.example/how-to/key-leaked.md">A key leaked</a>' in english
    korean = admin.korean(page)
    assert '<a href="https://docs.example/ko/key-leaked.md">키가 유출되었을 때</a>' in korean


@pytest.mark.parametrize("typed", ["", "K0000000000000"])
def test_nothing_happens_unless_the_id_is_typed(
    admin: Visitor, typed: str, cloudfront: Shell
) -> None:
    """The second question is only answered by the id of the key itself."""
    key_pair = cloudfront.imported()

    admin.take("revoke", key_pair, typed=typed)

    assert set(admin.context["form"].errors) == {"typed"}
    assert fresh(key_pair).status == "active"


def test_key_without_an_id_is_named_by_its_fingerprint(admin: Visitor, cloudfront: Shell) -> None:
    """A key that CloudFront never had is confirmed by its fingerprint; no reason need be given."""
    key_pair = cloudfront.started()

    admin.take("revoke", key_pair, typed=key_pair.fingerprint[:12])

    assert fresh(key_pair).status == "revoked"
    assert fresh(key_pair).reason == KnownReason.REVOKED_IN_ADMIN


def test_revocation_ends_the_trust(admin: Visitor, cloudfront: Shell) -> None:
    """The key leaves CloudFront at once, another one signs, and the log has each move and why."""
    key_pair = cloudfront.imported()

    admin.take("revoke", key_pair, typed=str(key_pair), reason="leaked")

    assert admin.levels == ["warning"]
    assert fresh(key_pair).removed_at is not None
    successor = KeyPair.objects.get(status="active")
    assert cloudfront.members == {str(successor)}
    assert [entry[1:] for entry in log()] == [
        *(("pending", f"replaces {key_pair}, which was revoked"), ("trusted", "")),
        *(("revoked", "leaked"), ("active", "")),
    ]
    assert log()[-1][0] == str(successor)


def test_revocation_is_finished_later(admin: Visitor, cloudfront: Shell) -> None:
    """If AWS refuses, the key still stops signing; one click takes it out afterwards."""
    cloudfront.imported()
    key_pair = cloudfront.activated()
    cloudfront.failure = DENIED
    page = admin.take("revoke", key_pair, typed=str(key_pair))
    assert admin.levels == ["warning", "error"]
    assert "cloudfront:ListPublicKeys" in page
    assert (fresh(key_pair).status, fresh(key_pair).removed_at) == ("revoked", None)
    cloudfront.failure = None
    cloudfront.wait(6)

    admin.take("finish", key_pair)

    assert fresh(key_pair).removed_at is not None
    assert str(key_pair) not in cloudfront.members
    assert log()[-2:] == 2 * [(str(key_pair), "revoked", KnownReason.REVOKED_IN_ADMIN)]
