"""Bring accounts in the emulator to the desired state, also while others change them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents.bucket_policy import says_the_same
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.provisioning.desired_state import DesiredState, OriginAccess
from cfsigned_django.signing import PrivateKey
from tests.aws.provisioning.accounts import (
    APP,
    THEIR_RULES,
    planned,
    provisioner,
    reader,
    states,
    their_policy,
)
from tests.aws.provisioning.strict import strict
from tests.ministack_server import Ministack
from tests.setup.viewers import ACCOUNT, DataPlane

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
HOST = "files.example.com"
PUBLIC = {"Sid": "PublicRead", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}


def config_of(clients: Clients, desired: DesiredState) -> dict[str, Any]:
    """Return the configuration of the distribution as boto3 reads it."""
    answer = clients.cloudfront.get_distribution_config(Id=desired.distribution_id)
    config: dict[str, Any] = answer["DistributionConfig"]
    return config


def policy_of(clients: Clients, desired: DesiredState) -> dict[str, Any]:
    """Return the bucket policy as boto3 reads it."""
    policy: dict[str, Any] = json.loads(
        clients.s3.get_bucket_policy(Bucket=desired.bucket)["Policy"]
    )
    return policy


def changed(before: Any, after: Any, path: str = "") -> set[str]:
    """Return the paths of the fields in which two documents differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {
            found
            for name in before.keys() | after.keys()
            for found in changed(before.get(name), after.get(name), f"{path}/{name}")
        }
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return {
            found
            for number, (one, other) in enumerate(zip(before, after, strict=True))
            for found in changed(one, other, f"{path}/{number}")
        }
    return set() if before == after else {path}


class TestEmptyAccount:
    """An empty account becomes a private site."""

    def test_end_state(self, clients: Clients, desired: DesiredState, aws_account: str) -> None:
        """Make what AWS documents, read back with boto3."""
        provisioner(strict(clients), desired).apply()

        cloudfront, s3 = clients.cloudfront, clients.s3
        (key,) = cloudfront.list_public_keys()["PublicKeyList"]["Items"]
        (group,) = cloudfront.list_key_groups()["KeyGroupList"]["Items"]
        (control,) = cloudfront.list_origin_access_controls()["OriginAccessControlList"]["Items"]
        (summary,) = cloudfront.list_distributions()["DistributionList"]["Items"]
        distribution = cloudfront.get_distribution(Id=summary["Id"])["Distribution"]
        config = distribution["DistributionConfig"]
        (origin,) = config["Origins"]["Items"]
        behavior = config["DefaultCacheBehavior"]
        block = s3.get_public_access_block(Bucket=desired.bucket)["PublicAccessBlockConfiguration"]
        (statement,) = policy_of(clients, desired)["Statement"]
        group_id, arn = group["KeyGroup"]["Id"], distribution["ARN"]

        assert group["KeyGroup"]["KeyGroupConfig"]["Items"] == [key["Id"]]
        assert control["SigningProtocol"] == "sigv4"
        assert control["SigningBehavior"] == "always"
        assert control["OriginAccessControlOriginType"] == "s3"
        assert origin["DomainName"] == f"{desired.bucket}.s3.us-east-1.amazonaws.com"
        assert origin["OriginAccessControlId"] == control["Id"]
        assert origin["S3OriginConfig"]["OriginAccessIdentity"] == ""
        trusted = {"Enabled": True, "Quantity": 1, "Items": [group_id]}
        assert behavior["TrustedKeyGroups"] == trusted
        assert behavior["ViewerProtocolPolicy"] == "redirect-to-https"
        assert behavior["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"
        assert behavior["OriginRequestPolicyId"] == "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"
        headers = cloudfront.get_response_headers_policy(Id=behavior["ResponseHeadersPolicyId"])
        policy = headers["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
        security = policy["SecurityHeadersConfig"]
        assert security["ContentTypeOptions"] == {"Override": True}
        assert security["ReferrerPolicy"] == {"Override": True, "ReferrerPolicy": "no-referrer"}
        assert "FrameOptions" not in security
        assert policy["CorsConfig"]["AccessControlAllowOrigins"]["Items"] == ["*"]
        assert policy["CorsConfig"]["OriginOverride"] is False
        assert arn == f"arn:aws:cloudfront::{aws_account}:distribution/{distribution['Id']}"
        assert says_the_same(
            statement,
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{desired.bucket}/*",
                "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
            },
        )
        assert s3.get_bucket_cors(Bucket=desired.bucket)["CORSRules"] == [
            {
                "ID": "cfsigned",
                "AllowedHeaders": ["*"],
                "AllowedMethods": ["GET", "HEAD"],
                "AllowedOrigins": [APP],
                "ExposeHeaders": ["ETag"],
                "MaxAgeSeconds": 3000,
            }
        ]
        assert set(block.values()) == {True}

    @pytest.mark.parametrize(
        "changes",
        [
            {"downloads": True, "path_pattern": "media/*"},
            {"origin_access": OriginAccess.OAI},
            {"region": "ap-northeast-2", "cors_origins": ()},
            {"cors_origins": (APP, "https://b.example.com")},
            {"cors_origins": (APP, "https://b.example.com"), "cookies": True},
            {"domain": HOST, "certificate": CERTIFICATE},
        ],
        ids=["downloads", "identity", "region", "origins", "cookies", "domain"],
    )
    def test_second_run_changes_nothing(
        self, clients: Clients, desired: DesiredState, changes: dict[str, Any]
    ) -> None:
        """Plan everything first, do what was planned and no more, and send nothing after it."""
        desired, strictly = replace(desired, **changes), strict(clients)
        before = planned(strictly, desired)
        did: list[str] = []
        sent: list[str] = []

        after = states(
            provisioner(strictly, desired, on_step=lambda step: did.append(step.name)).apply()
        )
        for client in (clients.cloudfront, clients.s3):
            client.meta.events.register(
                "before-call", lambda model, **event: sent.append(model.name)
            )
        again = states(provisioner(strictly, desired).apply())

        assert set(states(before).values()) - {"done"} == {"todo"}
        assert did == [each.name for each in before if each.call is not None]
        assert set(after.values()) == {"done"}
        assert again == after
        assert sent
        assert {each for each in sent if not each.startswith(("Get", "List", "Head"))} == set()
        found = reader(strictly, desired)().distribution
        assert found is not None
        assert found.aliases == ([desired.domain] if desired.domain else [])
        certificate = found.config.get("ViewerCertificate", {}).get("ACMCertificateArn", "")
        assert certificate == desired.certificate


class TestGrownAccount:
    """What people have set up already stays."""

    def test_only_what_is_needed_changes(self, clients: Clients, grown: DesiredState) -> None:
        """Keep every other setting of a distribution that has twenty, each statement and rule."""
        before = config_of(clients, grown)

        provisioner(strict(clients), grown).apply()

        media, origin = "/CacheBehaviors/Items/0", "/Origins/Items/1"
        assert changed(before, config_of(clients, grown)) == {
            f"{media}/{name}"
            for name in (
                "TrustedKeyGroups",
                "ViewerProtocolPolicy",
                "CachePolicyId",
                "OriginRequestPolicyId",
                "ResponseHeadersPolicyId",
                "ForwardedValues",
                "MinTTL",
                "DefaultTTL",
                "MaxTTL",
            )
        } | {f"{origin}/OriginAccessControlId"}
        policy, theirs = policy_of(clients, grown), their_policy(grown.bucket)
        rules = clients.s3.get_bucket_cors(Bucket=grown.bucket)["CORSRules"]
        assert policy["Statement"][:3] == theirs["Statement"]
        assert (policy["Id"], policy["Version"]) == (theirs["Id"], theirs["Version"])
        assert len(policy["Statement"]) == 4
        assert rules[0] == THEIR_RULES[0]
        assert rules[1]["AllowedOrigins"] == [APP]

    def test_trusted_signers_go_last_and_only_on_request(
        self, clients: Clients, grown: DesiredState
    ) -> None:
        """Trust the key group beside the signers first; drop the signers with the flag alone."""
        first = states(provisioner(strict(clients), grown).apply())
        (both,) = config_of(clients, grown)["CacheBehaviors"]["Items"]
        desired = replace(grown, drops_trusted_signers=True)
        second = states(provisioner(strict(clients), desired).apply())
        (media,) = config_of(clients, grown)["CacheBehaviors"]["Items"]

        assert first["trusted-signers"] == "conflict"
        assert both["TrustedSigners"]["Items"] == ["self"]
        assert both["TrustedKeyGroups"]["Enabled"]
        assert "trusted-signers" not in second
        assert not media["TrustedSigners"]["Enabled"]
        assert media["TrustedKeyGroups"] == both["TrustedKeyGroups"]

    def test_domain_is_added(self, clients: Clients, grown: DesiredState) -> None:
        """Add the domain beside those that are there, once; keep every other field."""
        desired = replace(grown, domain=HOST)
        provisioner(clients, desired).apply()
        before = config_of(clients, desired)
        whole = replace(desired, certificate=CERTIFICATE)

        after = provisioner(clients, whole).apply()

        config = config_of(clients, whole)
        assert config["Aliases"]["Items"] == ["media.example.com", HOST]
        assert {name for name in config if config[name] != before.get(name)} == {
            "Aliases",
            "ViewerCertificate",
        }
        assert states(after)["domain"] == states(planned(clients, whole))["domain"] == "done"

    def test_key_joins_a_group(
        self, clients: Clients, desired: DesiredState, rsa_key: PrivateKey
    ) -> None:
        """Add the key to the group of the settings, and leave the other keys in it."""
        cloudfront = clients.cloudfront
        other = {"CallerReference": "o", "Name": "o", "EncodedKey": rsa_key.public_key.to_pem()}
        other_id = cloudfront.create_public_key(PublicKeyConfig=other)["PublicKey"]["Id"]
        group = cloudfront.create_key_group(KeyGroupConfig={"Name": "g", "Items": [other_id]})
        group_id = group["KeyGroup"]["Id"]

        provisioner(strict(clients), replace(desired, key_group_id=group_id)).apply()

        config = cloudfront.get_key_group(Id=group_id)["KeyGroup"]["KeyGroupConfig"]
        assert config["Items"][0] == other_id
        assert len(config["Items"]) == 2
        assert config["Name"] == "g"


class TestPublicBucket:
    """A bucket that is open to everybody is closed when nobody needs that any more."""

    @pytest.fixture
    def public(self, clients: Clients, grown: DesiredState) -> DesiredState:
        """Open the bucket to everybody."""
        policy = their_policy(grown.bucket)
        policy["Statement"].append({**PUBLIC, "Resource": f"arn:aws:s3:::{grown.bucket}/*"})
        clients.s3.put_bucket_policy(Bucket=grown.bucket, Policy=json.dumps(policy))
        return grown

    def test_closed_at_the_end(self, clients: Clients, public: DesiredState) -> None:
        """Remove that statement alone, after every edge has the new origin."""
        did: list[str] = []

        provisioner(
            strict(clients, looks=5),
            replace(public, closes_public=True),
            on_step=lambda step: did.append(step.name),
        ).apply()

        assert did[-3:] == ["deployed", "public-statements", "block-public-access"]
        statements = policy_of(clients, public)["Statement"]
        assert statements[:3] == their_policy(public.bucket)["Statement"]
        assert len(statements) == 4

    def test_policy_that_nobody_may_change(self, clients: Clients, public: DesiredState) -> None:
        """Take the public statement out first if S3 would refuse any policy that has one."""
        clients.s3.put_public_access_block(
            Bucket=public.bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": True}
        )

        after = states(provisioner(clients, replace(public, closes_public=True)).apply())

        assert after["bucket-policy"] == after["block-public-access"] == "done"

    def test_policy_that_was_only_public(self, clients: Clients, grown: DesiredState) -> None:
        """Keep CloudFront's statement if the public one was the only other."""
        only = {"Version": "2012-10-17", "Statement": {**PUBLIC, "Resource": "arn:aws:s3:::x/*"}}
        clients.s3.put_bucket_policy(Bucket=grown.bucket, Policy=json.dumps(only))

        provisioner(clients, replace(grown, closes_public=True)).apply()

        (statement,) = policy_of(clients, grown)["Statement"]
        assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}


def test_waits_for_every_edge(clients: Clients, desired: DesiredState) -> None:
    """Look until the status is Deployed, and tell how long it has been."""
    waited: list[int] = []
    clock = iter(range(0, 10_000, 15))

    after = provisioner(
        strict(clients, looks=6),
        desired,
        on_wait=waited.append,
        monotonic=lambda: float(next(clock)),
    ).apply()

    assert states(after)["deployed"] == "done"
    assert len(waited) > 1
    assert waited == sorted(waited)


def test_waits_no_longer_than_that(clients: Clients, desired: DesiredState) -> None:
    """Give up after 45 minutes, with an error that a second run may get over."""
    clock = iter(range(0, 10_000_000, 1000))

    with pytest.raises(AwsError) as caught:
        provisioner(
            strict(clients, looks=10_000), desired, monotonic=lambda: float(next(clock))
        ).apply()

    assert (caught.value.code, caught.value.is_temporary) == ("NotDeployed", True)


def test_change_of_somebody_else(clients: Clients, grown: DesiredState) -> None:
    """Look anew if the distribution was changed between the look and the call."""
    cloudfront, read = clients.cloudfront, reader(clients, grown)
    looks = 0

    def read_and_be_late() -> Any:
        nonlocal looks
        account = read()
        looks += 1
        if looks < 8:
            answer = cloudfront.get_distribution_config(Id=grown.distribution_id)
            config = {**answer["DistributionConfig"], "Comment": f"change {looks}"}
            cloudfront.update_distribution(
                Id=grown.distribution_id, IfMatch=answer["ETag"], DistributionConfig=config
            )
        return account

    after = provisioner(clients, grown, read=read_and_be_late).apply()

    config = cloudfront.get_distribution_config(Id=grown.distribution_id)
    assert states(after)["behavior"] == "done"
    assert config["DistributionConfig"]["Comment"] == "change 7"


def test_something_undoes_it(clients: Clients, desired: DesiredState) -> None:
    """Give up on a step that never shows any effect."""
    stuck = reader(clients, desired)()

    with pytest.raises(AwsError) as caught:
        provisioner(clients, desired, read=lambda: stuck).apply()

    assert caught.value.code == "NoEffect"


def test_made_by_somebody_else(clients: Clients, desired: DesiredState) -> None:
    """Take over what another run has made in the same second."""
    read = reader(clients, desired)
    stale: list[Any] = [read()] * 2

    provisioner(clients, desired, read=lambda: stale.pop() if stale else read()).apply()

    assert len(clients.cloudfront.list_key_groups()["KeyGroupList"]["Items"]) == 1


def test_bucket_that_was_taken_meanwhile(
    clients: Clients, desired: DesiredState, ministack: Ministack
) -> None:
    """Raise if the name of the bucket is somebody else's by now."""
    read = reader(clients, desired)
    missing = read().bucket
    ministack.client("s3", account="999999999998").create_bucket(Bucket=desired.bucket)

    with pytest.raises(AwsError) as caught:
        provisioner(clients, desired, read=lambda: replace(read(), bucket=missing)).apply()

    assert caught.value.code == "BucketAlreadyExists"


def test_file_is_served_through_its_own_access_control_only(
    ministack: Ministack, desired: DesiredState
) -> None:
    """Serve a file with statement and access control of this distribution, not with one alone."""
    clients = ministack.clients(ACCOUNT)
    provisioner(clients, desired).apply()
    clients.s3.put_object(Bucket=desired.bucket, Key="a.txt", Body=b"private")
    distribution = reader(clients, desired)().distribution
    assert distribution is not None
    data_plane = DataPlane(clients, distribution)

    opened = data_plane.get("/a.txt")
    policy = policy_of(clients, desired)
    policy["Statement"][0]["Condition"]["StringEquals"]["AWS:SourceArn"] += "X"
    clients.s3.put_bucket_policy(Bucket=desired.bucket, Policy=json.dumps(policy))
    of_another_distribution = data_plane.get("/a.txt")
    clients.s3.delete_bucket_policy(Bucket=desired.bucket)
    without_statement = data_plane.get("/a.txt")
    provisioner(clients, desired).apply()
    opened_again = data_plane.get("/a.txt")
    distribution.config["Origins"]["Items"][0]["OriginAccessControlId"] = ""
    clients.cloudfront.update_distribution(
        Id=distribution.id, IfMatch=distribution.etag, DistributionConfig=distribution.config
    )
    without_control = data_plane.get("/a.txt")

    assert opened == opened_again == (200, b"private")
    assert {of_another_distribution[0], without_statement[0], without_control[0]} == {403}
