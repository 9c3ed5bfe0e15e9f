"""Test the real command against an emulator of AWS's API and the package's own edge."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.edge import Behavior, Distribution, EdgeServer
from cfsigned_django.rotation import store
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey, PublicKey
from tests.aws.api import Account
from tests.ministack_server import Ministack
from tests.rotation.commands import Shell


@pytest.mark.django_db
def test_rotation_and_revocation(
    site: Any,
    ec_key: PrivateKey,
    ministack: Ministack,
    aws_account: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With boto3, real probes and an edge that learns from the API, a rotation comes to its end."""
    account = Account(api=ministack.client("cloudfront", account=aws_account))
    key_pair_id = account.upload("settings", ec_key.public_key.to_pem())
    group = account.make_group(key_pair_id)
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack.endpoint_url)

    def trusted() -> dict[str, dict[str, PublicKey]]:
        listed = account.api.list_public_keys()["PublicKeyList"]["Items"]
        keys = {each["Id"]: PublicKey.load(each["EncodedKey"]) for each in listed}
        members = account.group_config(group)["Items"]
        return {"group": {name: keys[name] for name in members}}

    applications: list[Distribution] = []
    with EdgeServer(lambda environ, start: applications[0](environ, start)).running() as server:
        host = f"127.0.0.1:{server.port}"
        applications.append(
            Distribution(
                domain_names=(host,),
                behaviors=(Behavior(trusted_key_groups=("group",)),),
                key_groups=trusted,
                origin=_no_file,
            )
        )
        site.AWS_CLOUDFRONT_KEY = ec_key.to_pem().decode()
        site.AWS_CLOUDFRONT_KEY_ID = key_pair_id
        site.AWS_CLOUDFRONT_KEY_GROUP_ID = group
        site.AWS_S3_CUSTOM_DOMAIN, site.AWS_S3_URL_PROTOCOL = host, "http:"
        site.AWS_S3_ACCESS_KEY_ID, site.AWS_S3_SECRET_ACCESS_KEY = aws_account, "not checked"
        site.STORAGES = {"default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}}
        shell = Shell(account=account, key_group_id=group, settings_key_id=key_pair_id)
        monkeypatch.setattr(store, "read_database_clock", lambda using: shell.now)

        codes = shell.run_all(["--import"], ["--start"], [], [])
        shell.wait(301)
        codes += shell.run_all([], [])
        shell.wait(8 * 86400)
        codes += shell.run_all([], [])
        assert codes == [0, 0, 0, 75, 0, 75, 0, 0], shell.printed
        (last,) = shell.members
        assert shell.run("--revoke", last, "--no-input").code == 0, shell.printed

    active = KeyPair.objects.get(status="active")
    assert shell.members == {str(active)}
    assert last != str(active)


def _no_file(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [("Content-Length", "0")])
    return [b""]
