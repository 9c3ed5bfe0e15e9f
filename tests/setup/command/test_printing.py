"""Print policies and code, and ask nobody for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cfsigned_django.signing import PrivateKey
from tests.setup.command import run


@pytest.mark.usefixtures("unmigrated")
class TestPrinting:
    """--iam and --export ask nobody."""

    @pytest.fixture(autouse=True)
    def _offline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fail where AWS is asked."""
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
        """Print code, with the public key where there is one, and never the private one."""
        without = run("--export", "terraform")
        key = PrivateKey.generate()
        (tmp_path / "key.pem").write_bytes(key.to_pem())

        with_key = run("--export", "cloudformation", "--key-file", str(tmp_path / "key.pem"))

        assert "var.public_key_pem" in without
        template = json.loads(with_key)
        assert template["Parameters"]["PublicKeyPem"]["Default"] == key.public_key.to_pem()
        assert "PRIVATE" not in with_key
