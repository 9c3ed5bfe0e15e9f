"""Test that the page speaks Korean if the browser asks for it, and that all catalogs are whole.

The pages of each situation are read in Korean by test_overview.py.
"""

from __future__ import annotations

import gettext
import re
import shutil
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from django.core.management import call_command
from django.utils import translation

from cfsigned_django.admin.pages import put_in_words
from cfsigned_django.core.aws.errors import AwsError, explain
from cfsigned_django.core.text import Phrase
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from tests.admin import Visitor, address, detail, english_words, log
from tests.pages import CATALOG, ROOT, entries, name_of, read
from tests.rotation import Shell

#: The catalogs of the package, and of the demo, whose scripts have a separate one.
CATALOGS = [
    CATALOG / "django.po",
    *sorted((ROOT / "demo_project" / "gallery" / "locale" / "ko" / "LC_MESSAGES").glob("*.po")),
]


def test_page_of_a_key_is_named_after_it(admin: Visitor, cloudfront: Shell) -> None:
    """The title says what it shows, and the subtitle which key, in English and in Korean."""
    key_pair = cloudfront.imported()
    page = detail(key_pair)
    for source, name in (
        (admin.client.get(page).text, "Signing key pair"),
        (admin.korean(page), "서명 키 페어"),
    ):
        assert re.findall(r"<h[12]>([^<]*)</h[12]>", source)[:2] == [name, str(key_pair)]
        assert f"<title>{key_pair} | {name} |" in source


@pytest.mark.parametrize("result", [ProbeResult.GOOD, ProbeResult.WRONG_KEY])
def test_messages_are_korean(admin: Visitor, cloudfront: Shell, result: ProbeResult) -> None:
    """The result of a step is in Korean, whether it was done or refused."""
    cloudfront.answer = result
    admin.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"

    admin.post(address("import"))

    (message,) = (text for _, text in admin.messages)
    assert english_words(f'<div class="cfsigned">{message}') == set()


def test_reasons_of_aws_are_korean(admin: Visitor, cloudfront: Shell) -> None:
    """The step that failed, AWS's reason, and what to do next are in Korean."""
    former = cloudfront.imported()
    cloudfront.activated()
    cloudfront.wait(8 * 86400)
    cloudfront.failure = ClientError({"Error": {"Code": "AccessDenied"}}, "any call")
    admin.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"

    admin.take("retire", former)

    assert admin.levels == ["not done"]
    text = re.sub(r"AccessDenied|cloudfront:\w+", "", admin.answers[-1].text)
    assert english_words(text) == set()


def test_second_failure_is_korean() -> None:
    """A failure that another one caused ends with that one, in Korean, too."""
    first = explain(
        NoCredentialsError(), what=Phrase("list the public keys"), permission="cloudfront:List"
    )
    second = AwsError(
        what=Phrase("remove {key} from CloudFront", key="K1"),
        reason=Phrase("it is the only key there, and CloudFront requires at least one"),
        next_step=str(first),
        code="LastPublicKey",
    )
    second.__cause__ = first

    with translation.override("ko"):
        assert put_in_words(second).endswith(put_in_words(first))
        assert english_words(f'<div class="cfsigned">{put_in_words(second)}') == set()


def test_reason_of_a_revocation(admin: Visitor, cloudfront: Shell) -> None:
    """The reason of the leak is shown as it was typed; the new key says whom it replaces.

    The log is in the language of the site, not of the browser.
    """
    leaked = cloudfront.imported()
    admin.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"

    admin.take("revoke", leaked, typed=str(leaked), reason="공개 저장소에 올라감")

    for key_pair, is_leaked in ((KeyPair.objects.get(status="active"), False), (leaked, True)):
        page = admin.korean(detail(key_pair))
        assert ("공개 저장소에 올라감" in page) is is_leaked
        assert english_words(page) <= {"person"}  # a user's name
    assert log()[0][1:] == ("pending", f"replaces {leaked}, which was revoked")


@pytest.mark.parametrize("po", CATALOGS, ids=name_of)
def test_catalog_is_complete_and_compiled(po: Path) -> None:
    """No text lacks its translation or is marked as doubtful, and the .mo is the .po's."""
    with po.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    assert "fuzzy" not in read(po)
    assert len(entries(read(po))) > 10
    for original, text in entries(read(po)):
        assert text, original
        assert text in (compiled.gettext(original), compiled.ngettext(original, "", 2))


@pytest.mark.parametrize("po", CATALOGS, ids=name_of)
def test_placeholders_are_kept(po: Path) -> None:
    """Each translation fills in what its original fills in."""
    placeholder = r"%(?:\(\w+\))?s|<code>|<button [^>]*>|<a [^>]*>"
    for original, text in entries(read(po)):
        assert set(re.findall(placeholder, original)) == set(re.findall(placeholder, text))


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="needs GNU gettext")
@pytest.mark.parametrize("po", CATALOGS, ids=name_of)
def test_catalog_has_every_text(tmp_path: Path, po: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog has the texts that makemessages finds, and no others."""
    source = po.parents[3]
    copy = tmp_path / source.name
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("*.mo", "__pycache__", "hls.js"))
    monkeypatch.chdir(copy)
    options = {"no_wrap": True, "no_obsolete": True}
    call_command("makemessages", domain=po.stem, locale=["ko"], verbosity=0, **options)

    made = read(copy / po.relative_to(source))

    assert dict(entries(made)) == dict(entries(read(po)))
