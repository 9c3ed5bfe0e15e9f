"""Print policies and code, and ask nobody for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from cfsigned_django.aws.provisioning.steps import done, todo
from cfsigned_django.setup.report import as_json, plan_as_text, storages_as_text
from cfsigned_django.signing import PrivateKey
from tests.pages import ROOT, read
from tests.setup.command import run
from tests.storage_cases import FILE_BACKEND, S3_BACKEND


@pytest.mark.usefixtures("unmigrated")
class TestPrinting:
    """--iam and --export ask nobody."""

    @pytest.fixture(autouse=True)
    def _offline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fail if AWS is called."""
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    def test_iam(self, bucket_name: str) -> None:
        """Print one policy for each job; rotation touches no bucket, and the site no CloudFront."""
        policies = json.loads(run("--iam"))

        assert set(policies) == {"setup", "look", "rotation", "site"}
        assert "s3:" not in json.dumps(policies["rotation"])
        assert "cloudfront:" not in json.dumps(policies["site"])
        assert f"arn:aws:s3:::{bucket_name}/*" in json.dumps(policies["site"])
        writes = ("Create", "Update", "Put", "Delete")
        looks = [a for s in policies["look"]["Statement"] for a in s["Action"]]
        assert not [each for each in looks if each.partition(":")[2].startswith(writes)]

    def test_export(self, tmp_path: Path) -> None:
        """Print code, with the public key if there is one, and never the private one."""
        without = run("--export", "terraform")
        key = PrivateKey.generate()
        (tmp_path / "key.pem").write_bytes(key.to_pem())

        with_key = run("--export", "cloudformation", "--key-file", str(tmp_path / "key.pem"))

        assert "var.public_key_pem" in without
        template = json.loads(with_key)
        assert template["Parameters"]["PublicKeyPem"]["Default"] == key.public_key.to_pem()
        assert "PRIVATE" not in with_key

    @pytest.mark.parametrize("language", ["terraform", "cloudformation"])
    @pytest.mark.parametrize("named", ["option", "setting"])
    def test_export_of_a_distribution_that_is_there(
        self, language: str, named: str, settings: Any
    ) -> None:
        """Export no second distribution if one is there: show how to import it, or --create."""
        option = ["--distribution", "E1A2B3C4D5"] if named == "option" else []
        settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = "E1A2B3C4D5"

        with pytest.raises(CommandError, match="--create") as caught:
            run("--export", language, *option)

        imports = 'import {\n  to = aws_cloudfront_distribution.media\n  id = "E1A2B3C4D5"\n}'
        assert (imports in str(caught.value)) == (language == "terraform")
        assert "aws_cloudfront_key_group" in run("--export", "terraform", "--create")


def test_storages_to_paste(settings: Any) -> None:
    """Print what names a storage that signs, unless the site has one; leave others as they are."""
    without_storages = storages_as_text()
    settings.STORAGES = {"default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    with_others = storages_as_text()
    for backend in (S3_BACKEND, FILE_BACKEND):
        settings.STORAGES = {**settings.STORAGES, "private": {"BACKEND": backend}}
        assert storages_as_text() == ""

    assert without_storages.startswith("STORAGES = {")
    assert without_storages in read(ROOT / "docs" / "install.md")
    assert with_others == f'STORAGES["default"] = {{"BACKEND": "{S3_BACKEND}"}}'


def test_control_characters() -> None:
    """Print nothing of an account that a terminal would obey; JSON stays the same."""
    name = "theirs\x1b[2J\x9b\u202e"
    steps = [todo("behavior", f"{name} goes", before={"Comment": name}, after={}), done(name, "x")]

    plan, report = plan_as_text(steps), as_json(steps, {"AWS_X": name}, None, "")

    assert [each for each in plan + report if not each.isprintable() and each != "\n"] == []
    assert json.loads(report)["steps"][0]["before"] == {"Comment": name}
