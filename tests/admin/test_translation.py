"""Test that the page speaks Korean where the browser asks for it, to the last word."""

from __future__ import annotations

import gettext
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.utils import translation
from pytest_django import Settings

import cfsigned_django
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from tests.admin import (
    LIST,
    FakeCloudFront,
    Visitor,
    activated,
    address,
    imported,
    readable,
    started,
    trusted,
)

PACKAGE = Path(cfsigned_django.__file__).parent
CATALOG = PACKAGE / "locale" / "ko" / "LC_MESSAGES"

#: What is called so in Korean, too.
NAMES = {"CloudFront", "ECDSA", "RSA", "America", "Chicago"}
_IDS = re.compile(r"AWS_\w+|\b[0-9a-f]{8,}\b|[0-9a-f]+(-[0-9a-f]+){4}|cfsigned-\S+|K[0-9A-Z]{13}")


def english_words(html: str) -> set[str]:
    """Return the English words in the part of a page that is this package's."""
    own = html.partition('<div class="cfsigned')[2].partition(">")[2].partition("</main>")[0]
    own = re.sub(r"<pre.*?</pre>|<code>.*?</code>|cfsigned[\w-]*", " ", own, flags=re.DOTALL)
    return set(re.findall(r"[A-Za-z]{3,}", _IDS.sub(" ", readable(own)))) - NAMES


@pytest.fixture
def korean(admin: Visitor) -> Iterator[Visitor]:
    """Return a person whose browser prefers Korean."""
    admin.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko-KR,ko;q=0.9,en;q=0.8"
    yield admin
    translation.deactivate()  # as it was for the last request, in this thread


def test_first_page_is_korean(korean: Visitor, cloudfront: FakeCloudFront) -> None:
    """What signs and what comes next is said in Korean."""
    page = korean.get()

    assert f"지금 서명하는 키 {cloudfront.settings_key_id} 설정에 있는 키" in page
    assert "설정의 키 가져오기" in page


def test_messages_are_korean(korean: Visitor) -> None:
    """What a step came to is said in Korean, its number of days included."""
    former = imported()
    key_pair = trusted(good_for=301)

    page = korean.take("activate", key_pair)

    assert f"지금부터 {key_pair} 키가 서명합니다. 모든 프로세스가 2분 안에 따릅니다." in page
    assert f"{former} 키가 서명한 링크는 계속 열립니다." in page


def test_no_english_is_left_in_any_state(korean: Visitor, settings: Settings) -> None:
    """Each state of the page, each step and the way by hand hold no English word."""
    imported(days=97)
    found = english_words(korean.client.get(LIST).text)
    found |= english_words(korean.client.get(address("start")).text)
    key_pair = started()
    for by_hand in (True, False):
        settings.AWS_CLOUDFRONT_BY_HAND = by_hand
        found |= english_words(korean.client.get(LIST).text)
        found |= english_words(korean.client.get(address("trust", key_pair)).text)
    KeyPair.objects.filter(pk=key_pair.pk).delete()
    key_pair = trusted(good_for=60)
    found |= english_words(korean.client.get(LIST).text)
    found |= english_words(korean.client.get(address("check", key_pair)).text)
    found |= english_words(korean.client.get(address("revoke", key_pair)).text)
    KeyPair.objects.filter(pk=key_pair.pk).delete()
    former = KeyPair.objects.get()
    key_pair = activated(former_retiring_for=8 * 86400)
    found |= english_words(korean.client.get(LIST).text)
    found |= english_words(korean.client.get(address("retire", former)).text)
    for by_hand in (False, True):
        settings.AWS_CLOUDFRONT_BY_HAND = by_hand
        found |= english_words(korean.client.get(address("revoke", key_pair)).text)
    settings.AWS_CLOUDFRONT_BY_HAND = False
    successor = trusted()
    settings.AWS_CLOUDFRONT_BY_HAND = True
    found |= english_words(korean.client.get(LIST).text)
    found |= english_words(korean.client.get(address("correct", successor)).text)

    assert found == set()


def test_failures_are_korean(
    korean: Visitor, cloudfront: FakeCloudFront, settings: Settings
) -> None:
    """What the engine refuses, and how to open a key again, is said in Korean to the last word."""
    cloudfront.probe_result = ProbeResult.WRONG_KEY
    assert "지금 서명하는 모든 링크가 거부됩니다." in korean.post(address("import"))
    cloudfront.probe_result = ProbeResult.GOOD
    imported()
    KeyPair.objects.update(encrypted_private_key="damaged")
    named = {"SECRET", "KEY", "FALLBACKS", "manage", "cfsigned_rotate", "reseal"}
    for encryption_keys in ([], [Fernet.generate_key()]):
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = encryption_keys
        assert "암호화" in korean.get()
        assert english_words(korean.seen[-1]) <= named
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = None

    assert "AWS_CLOUDFRONT_KEY_GROUP_ID가 설정되지 않았습니다." in korean.get()


def test_reason_is_korean_where_it_is_the_packages_own(korean: Visitor) -> None:
    """What the package wrote down as a reason is translated, what a person wrote is not."""
    key_pair = imported()

    assert "설정에서 가져옴" in korean.get()
    assert "설정에서 가져옴" in korean.get(f"{LIST}{key_pair.pk}/change/")
    KeyPair.objects.update(reason="ticket 7")
    assert "ticket 7" in korean.get()


def test_log_is_in_the_language_of_the_site(korean: Visitor) -> None:
    """Whoever reads the log later need not know the language of who did it."""
    key_pair = imported()

    korean.take("revoke", key_pair, typed=str(key_pair), reason="유출")

    assert f"{key_pair}: Revoked (유출)" in korean.get(f"{LIST}{key_pair.pk}/history/")


def entries(po: str) -> list[tuple[str, str]]:
    """Return the originals and translations of a catalog's source."""
    pairs = re.findall(
        r'^msgid "(.+)"\n(?:msgid_plural ".*"\n)?msgstr(?:\[0\])? "(.*)"$', po, re.MULTILINE
    )
    return [(unquoted(original), unquoted(text)) for original, text in pairs]


def unquoted(text: str) -> str:
    """Return a text of a catalog without its escapes."""
    return text.replace('\\"', '"').replace("\\n", "\n")


def test_catalog_is_complete_and_compiled() -> None:
    """No text lacks its translation or is marked as doubtful, and the .mo is the .po's."""
    po = (CATALOG / "django.po").read_text(encoding="utf-8")
    with (CATALOG / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    assert "fuzzy" not in po
    assert len(entries(po)) > 150
    for original, text in entries(po):
        assert text, original
        assert text in (compiled.gettext(original), compiled.ngettext(original, "", 2))


def test_placeholders_are_kept() -> None:
    """Each translation fills in what its original fills in."""
    for original, text in entries((CATALOG / "django.po").read_text(encoding="utf-8")):
        names = re.findall(r"%\(\w+\)s|<code>|<button [^>]*>", original)
        assert sorted(set(names)) == sorted(
            set(re.findall(r"%\(\w+\)s|<code>|<button [^>]*>", text))
        )


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="needs GNU gettext")
def test_catalog_has_every_text(tmp_path: Path) -> None:
    """What makemessages finds in the code and the templates is in the catalog, and no more."""
    copy = tmp_path / "cfsigned_django"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("*.mo", "__pycache__"))
    # -P: a module of the package is named as one of the standard library, http.
    command = ["makemessages", "--locale", "ko", "--no-wrap", "--no-obsolete"]
    subprocess.run(
        [sys.executable, "-P", "-m", "django", *command], cwd=copy, check=True, capture_output=True
    )

    made = (copy / "locale" / "ko" / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    kept = (CATALOG / "django.po").read_text(encoding="utf-8")

    assert dict(entries(made)) == dict(entries(kept))
