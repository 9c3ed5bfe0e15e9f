"""Test what the pages show: the first one in each situation, and that of one key pair.

Modules: admin/overview.py, admin/pages.py, admin/key_pairs.py
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import methodcaller
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from cfsigned_django.admin.overview import INFO, SOME, WARNING, Notice
from cfsigned_django.core import keyring
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.admin import LIST, Visitor, address, detail, english_words
from tests.admin.conftest import NOON
from tests.admin.transcript import Transcript
from tests.rotation import Shell

DAY = 86400
NO_SETTINGS_KEY = {"AWS_CLOUDFRONT_KEY": None, "AWS_CLOUDFRONT_KEY_ID": None}
OTHER_GROUP = "00000000-0000-4000-8000-000000000099"
BROKEN_PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B"


def case(name: str, *prepare: Any, **settings: object) -> tuple[str, Any, dict[str, object]]:
    """Return how things stand: what writes the rows, and settings; BY_HAND is short for one."""
    prefix = "AWS_CLOUDFRONT_"
    return name, prepare, {prefix * (key == "BY_HAND") + key: settings[key] for key in settings}


def change(of: str = "", /, **columns: object) -> Callable[[Shell], None]:
    """Return what changes columns of the key in this state, or of the newest one."""

    def update(shell: Shell) -> None:
        rows = KeyPair.objects.order_by("-created_at")
        found = rows.filter(status=of) if of else rows
        KeyPair.objects.filter(pk=found[0].pk).update(**columns)

    return update


def in_storages(*key_pair_ids: str) -> dict[str, Any]:
    """Return settings in which storages hold a key each, and nothing else does."""
    storages: dict[str, Any] = {
        f"media{number}": {
            "BACKEND": "cfsigned_django.storage.CloudFrontS3Storage",
            "OPTIONS": {
                "cloudfront_key": PrivateKey.generate().to_pem(),
                "cloudfront_key_id": each,
            },
        }
        for number, each in enumerate(key_pair_ids)
    }
    staticfiles = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    return {**NO_SETTINGS_KEY, "STORAGES": {**storages, "staticfiles": staticfiles}}


def after(seconds: int) -> Callable[[Shell], object]:
    """Return what lets this many seconds pass."""
    return methodcaller("wait", seconds)


imported = partial(Shell.imported, days=1)
OLD = partial(Shell.imported, days=97)
WAITING = methodcaller("trusted", good_for=60)
READY = methodcaller("trusted", good_for=301)
CLAIMED = change("pending", claimed_until=NOON + timedelta(seconds=30))
CLAIMED_TOO = change("trusted", claimed_until=NOON + timedelta(seconds=90))
AHEAD = change("trusted", verified_since=NOON + timedelta(days=30))
STUCK = (Shell.started, after(4 * DAY))
STRONG = "another one, as long as Django wants a secret key: 0123456789"
NEW_SECRET_KEY: dict[str, Any] = {
    "SECRET_KEY": STRONG,
    "SECRET_KEY_FALLBACKS": [settings.SECRET_KEY],
}
OVER: dict[str, Any] = {"revoked_at": NOON, "encrypted_private_key": ""}
REVOKED = change("active", **OVER | {"status": "revoked", "active_in": None})
REPLACED = change(
    "trusted",
    **OVER | {"status": "revoked", "next_in": None, "reason": KnownReason.REPLACED},
)
REVOKED_FORMER = change("retiring", **OVER | {"status": "revoked", "removed_at": NOON})
RETIRED = change(
    "retiring", status="retired", retired_at=NOON, removed_at=NOON, encrypted_private_key=""
)
ELSEWHERE = change(key_group_id=OTHER_GROUP, next_in=OTHER_GROUP)
DAMAGED = change(encrypted_private_key="damaged")
SITUATIONS = [
    case("the settings' key signs"),
    case("the settings' key is broken", AWS_CLOUDFRONT_KEY=BROKEN_PEM),
    case("a storage's key signs", **in_storages("K2JCJMDEHXQW5F")),
    case("storages differ", **in_storages("K2JCJMDEHXQW5F", "K36X4X2EO997HM")),
    case("trusted signer", AWS_CLOUDFRONT_KEY_ID="APKAIOSFODNN7EXAMPLE"),
    case("no key", **NO_SETTINGS_KEY),
    case("the first key waits", Shell.trusted, **NO_SETTINGS_KEY),
    case("a young key signs", imported),
    case("an old key signs", OLD),
    case("an old key is being replaced", OLD, Shell.started),
    case("a key is generated", imported, Shell.started),
    case("a key is generated, by hand", imported, Shell.started, BY_HAND=True),
    case("a key is stuck", imported, *STUCK),
    case("a key is stuck, by hand", imported, *STUCK, BY_HAND=True),
    case("a claim", imported, Shell.started, CLAIMED),
    case("a claim that is over", imported, Shell.started, CLAIMED, after(31)),
    case("the new key cannot be decrypted", imported, Shell.started, DAMAGED),
    case(
        "the new key cannot be decrypted, with encryption keys",
        imported,
        Shell.started,
        DAMAGED,
        AWS_CLOUDFRONT_ENCRYPTION_KEYS=[Fernet.generate_key()],
    ),
    case("unprobed key", imported, Shell.trusted),
    case("unprobed key, by hand", imported, Shell.trusted, BY_HAND=True),
    case("a key waits", imported, WAITING),
    case("a key waits, by hand", imported, WAITING, BY_HAND=True),
    case("a key waits, and a call is under way", imported, WAITING, CLAIMED_TOO),
    case("a clock was ahead when a key began to wait", imported, WAITING, AHEAD),
    case("a key is ready", imported, READY),
    case("a key retires", imported, Shell.activated),
    case("a key retires today", imported, Shell.activated, after(7 * DAY - 3600)),
    case("a key has retired", imported, Shell.activated, after(8 * DAY)),
    case("a key is left over", Shell.activated),
    case("the settings' key was retired", imported, Shell.activated, RETIRED),
    case("the settings' key was revoked", imported, Shell.activated, REVOKED_FORMER),
    case("the signing key cannot be decrypted", imported, SECRET_KEY=STRONG),
    case(
        "a new key must be made, since nothing proves that it is the right one",
        imported,
        Shell.started,
        AWS_CLOUDFRONT_ENCRYPTION_KEYS=[Fernet.generate_key()],
    ),
    case(
        "SECRET_KEY is new, and a key is ready",
        imported,
        READY,
        **NEW_SECRET_KEY,
    ),
    case("SECRET_KEY is new, and a key retires", imported, Shell.activated, **NEW_SECRET_KEY),
    case("half revoked", imported, Shell.activated, REVOKED),
    case("a replaced key leaves", imported, Shell.trusted, REPLACED, Shell.started),
    case("a key of another group", Shell.started, ELSEWHERE),
    case("no key group", imported, AWS_CLOUDFRONT_KEY_GROUP_ID=None),
    case("times have no zone", USE_TZ=False),
    case("not a truth value", imported, BY_HAND="yes"),
]


def test_each_situation(admin: Visitor, cloudfront: Shell, transcript: Transcript) -> None:
    """The page asks for one step, offers others quietly, and warns as loudly as it must.

    It reads as its transcript says. In Korean, it holds no English word, nor do the pages of the
    steps that it offers; those of a revocation are read by test_action_page.py.
    """
    english = {}
    for name, prepare, changed in SITUATIONS:
        cloudfront.begin()
        cloudfront.now = NOON
        keyring.forget()
        for write in prepare:
            write(cloudfront)
        with override_settings(**changed):
            admin.client.force_login(get_user_model().objects.get())  # SECRET_KEY may be another
            admin.get()
            transcript.add(name)
            # What the settings lack is said in English: it stops a command and a start, too.
            if overview := admin.context["overview"]:
                steps = [each for each in (overview.primary, *overview.others) if each]
                pages = [
                    f"{LIST}?fragment=1",
                    *(address(each.action, each.key_pair) for each in steps),
                ]
                found = (english_words(admin.korean(each)) for each in pages)
                english[name] = set().union(*found)
        KeyPair.objects.all().delete()

    assert {name: words for name, words in english.items() if words} == {}
    transcript.check("admin-first-page")


def test_wait_is_shown_and_followed(admin: Visitor, cloudfront: Shell) -> None:
    """A card tells its key's moments in order and how far its wait is; an open page looks often."""
    cloudfront.imported(days=10)
    assert 'data-interval="60"' in admin.client.get(LIST).text
    cloudfront.trusted(good_for=60)
    admin.get()

    html = admin.answers[-1].text
    assert '<progress max="300" value="60"' in html
    assert 'data-interval="5"' in html
    # The fragment that a script fetches is the page without its frame.
    assert "<html" in html
    assert "<html" not in admin.client.get(LIST, {"fragment": "1"}).text
    waiting, signing = (card.timeline for card in admin.context["overview"].live)
    assert [each.tense for each in waiting] == [
        *("past", "past", "now", "next", "later", "later"),
    ]
    assert [each.at is not None for each in waiting] == [True, True, True, True, False, False]
    assert [each.tense for each in signing] == ["past", "now", "next", "later"]
    KeyPair.objects.filter(status="trusted").delete()
    cloudfront.activated()  # the other key retires in a week
    assert 'data-interval="60"' in admin.client.get(LIST).text
    cloudfront.wait(7 * DAY - 3000)
    assert 'data-interval="5"' in admin.client.get(LIST).text


def test_former_keys_are_kept_in_sight(
    admin: Visitor, settings: Settings, cloudfront: Shell
) -> None:
    """Show a few former keys, and all of them on request, with few queries."""
    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None

    def look(address: str = LIST) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            page = admin.client.get(address).text
        return page.count("cfsigned-is-retired"), len(queries)

    counts = []
    for number in range(1, SOME + 3):
        KeyPair.objects.filter(pk=cloudfront.started().pk).update(status="retired", next_in=None)
        if number in (1, SOME, SOME + 2):
            counts.append(look())

    assert [shown for shown, _ in counts] == [1, SOME, SOME]
    assert len({queries for _, queries in counts}) == 1
    assert look(f"{LIST}?all")[0] == SOME + 2


def test_looking_does_not_call_aws(admin: Visitor, cloudfront: Shell) -> None:
    """Pages read the database only, and change nothing: they open while AWS is down."""
    cloudfront.imported()
    key_pair = cloudfront.started()
    before = list(KeyPair.objects.values())
    cloudfront.calls.clear()

    for path in (LIST, detail(key_pair), address("trust", key_pair), address("revoke", key_pair)):
        admin.get(path)

    assert list(KeyPair.objects.values()) == before
    assert cloudfront.calls == []


def test_healthy_new_site(admin: Visitor, cloudfront: Shell) -> None:
    """Warn of nothing while the key of the settings signs: importing it is a next step."""
    admin.get()

    assert [each.level for each in admin.context["overview"].notices] == [INFO]


def test_one_actor_on_a_card(
    admin: Visitor, cloudfront: Shell, settings: Settings, subtests: pytest.Subtests
) -> None:
    """Name the person of the last step, and say of the key why it was made, not by whom."""
    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None
    cloudfront.activated()
    for person in ("mina", "cfsigned_setup"):
        with subtests.test(person=person):
            change("active", changed_by=person, reason=KnownReason.SET_UP)(cloudfront)

            page = admin.get()

            assert f"last step by {person}" in page
            assert page.count("cfsigned_setup") == int(person == "cfsigned_setup")


# One key pair


def test_words_of_a_key_pair(admin: Visitor, transcript: Transcript, cloudfront: Shell) -> None:
    """The page has the ids by which AWS and people know the key, and what has happened, in 24 h."""
    cloudfront.imported()
    key_pair = cloudfront.trusted(good_for=60)
    KeyPair.objects.update(created_at=datetime(2026, 12, 7, 20, 0, tzinfo=UTC))

    page = admin.get(detail(key_pair))

    for fact in (str(key_pair), key_pair.fingerprint, key_pair.name_in_cloudfront):
        assert fact in page
    transcript.add("a key that waits")
    transcript.check("admin-key-pair")


def test_steps_are_offered_and_nothing_is_edited(admin: Visitor, cloudfront: Shell) -> None:
    """The steps of a key are one click away; nothing can be saved, edited or searched for."""
    active, key_pair = cloudfront.imported(), cloudfront.started()

    html = admin.client.get(detail(key_pair)).text

    assert address("trust", key_pair) in html
    assert address("revoke", key_pair) in html
    [warns] = re.findall('<a class="[^"]*cfsigned-warns"[^>]*>', html)  # as in the list
    assert address("revoke", key_pair) in warns
    assert 'class="button default"' not in admin.client.get(detail(active)).text
    for absent in (address("start"), key_pair.encrypted_private_key, 'name="_save"', "<textarea"):
        assert absent not in html
    assert 'name="q"' not in admin.client.get(LIST, {"q": "MII"}).text


@pytest.mark.parametrize(
    ("columns", "is_shown"),
    [
        ({}, True),
        ({"status": "revoked", "active_in": None, "encrypted_private_key": ""}, True),
        # The public key to paste into CloudFront is that of the private key, not of the column.
        ({"public_key": PrivateKey.generate().public_key.to_pem()}, True),
        ({"encrypted_private_key": "damaged"}, False),
    ],
    ids=["active", "erased", "forged", "damaged"],
)
def test_public_key(
    admin: Visitor, columns: dict[str, Any], is_shown: bool, cloudfront: Shell
) -> None:
    """The public key is on the page and comes as a file; if it is not known, both say so."""
    key_pair = cloudfront.imported()
    KeyPair.objects.update(**columns)

    page = admin.get(detail(key_pair))
    answer = admin.client.get(address("download", key_pair), follow=True)

    assert (" ".join(key_pair.public_key.split()) in page) is is_shown
    for text in (page, answer.text):
        assert ("BEGIN PUBLIC KEY" in text) is is_shown
        assert ("SECRET_KEY_FALLBACKS" in text) is not is_shown
    if is_shown:
        assert answer.text == key_pair.public_key
        assert answer.headers["Content-Type"] == "application/x-pem-file"
        name = f"{key_pair.name_in_cloudfront}-public.pem"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_names_and_commands_in_a_notice() -> None:
    """Names and commands are marked, a Korean particle is not, and the rest is escaped."""
    notice = Notice(
        WARNING,
        "AWS_X를 <b> manage.py cfsigned_rotate --start --key-group 0a-1.",
        "Or --key-group.",
    )

    assert notice.html == (
        "<code>AWS_X</code>를 &lt;b&gt; "
        "<kbd>manage.py cfsigned_rotate --start --key-group 0a-1</kbd>. "
        "Or <code>--key-group</code>."
    )


@pytest.mark.parametrize("key_group_id", [None, OTHER_GROUP])
def test_page_opens_without_steps(
    admin: Visitor, settings: Settings, key_group_id: str | None, cloudfront: Shell
) -> None:
    """Settings that make no sense, or name another key group, take away the steps, not the page."""
    key_pair = cloudfront.imported()
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = key_group_id

    assert str(key_pair) in admin.get(detail(key_pair))
    assert "buttons" not in admin.context


class HasKey(CloudFrontS3Storage):
    """Name a key in the class, which neither settings nor OPTIONS hold."""

    cloudfront_key = staticmethod(PrivateKey.generate().to_pem)
    cloudfront_key_id = "K2JCJMDEHXQW5F"


@pytest.mark.parametrize("is_revoked", [True, False])
def test_key_of_a_class(
    admin: Visitor, settings: Settings, cloudfront: Shell, is_revoked: bool
) -> None:
    """The page knows that the key of a class signs, also if the settings hold one that does not."""
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{__name__}.HasKey"}}
    if is_revoked:
        revoked = cloudfront.imported()
        KeyPair.objects.filter(pk=revoked.pk).update(**OVER, status="revoked", active_in=None)
    else:
        settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None

    admin.get()

    assert admin.context["overview"].snapshot.signing_name == HasKey.cloudfront_key_id


@pytest.mark.parametrize("is_active", [True, False])
def test_key_of_a_storage_beside_that_of_the_settings(
    admin: Visitor, settings: Settings, cloudfront: Shell, is_active: bool
) -> None:
    """The page names each key that OPTIONS hold: one that signs, and one that is left over."""
    own = in_storages("K2JCJMDEHXQW5F")["STORAGES"]["media0"]
    settings.STORAGES = {**settings.STORAGES, "own": own}
    if is_active:
        cloudfront.imported()
        settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None

    page = admin.get()

    assert ("K2JCJMDEHXQW5F, the key from the settings, no longer signs" in page) is is_active
    names = admin.context["overview"].snapshot.signing_name.split(", ")
    both = {cloudfront.settings_key_id, "K2JCJMDEHXQW5F"}
    assert set(names) == ({cloudfront.settings_key_id} if is_active else both)
