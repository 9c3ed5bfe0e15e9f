"""Refuse what CloudFront refuses and the emulator takes; add what the emulator lacks.

It stands in front of boto3's client, which tests may share. The API reference names the
errors: UpdateDistribution, CreateDistribution, CreatePublicKey.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from cfsigned_django.aws.client import Clients
from cfsigned_django.signing import InvalidKey, PublicKey
from cfsigned_django.tools.account.documents.behavior import behaviors, listed, trusted_key_groups
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_of,
    access_identity_of,
)
from tests.simulation.answers import refusal


class StrictCloudFront:
    """Stand in front of the emulator's client.

    ``looks`` is how often a distribution is InProgress after each change. Access
    identities live here: the emulator makes none.
    """

    def __init__(self, client: Any, *, looks: int = 0) -> None:
        self._client = client
        self._looks = looks
        self._left = 0
        self._identities: dict[str, dict[str, str]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_public_key(self, *, PublicKeyConfig: Mapping[str, str]) -> Any:
        """Create a public key that CloudFront can read."""
        try:
            PublicKey.load(PublicKeyConfig["EncodedKey"])
        except InvalidKey:
            raise refusal("InvalidArgument", "CreatePublicKey", "Not a public key.") from None
        return self._client.create_public_key(PublicKeyConfig=PublicKeyConfig)

    def create_distribution(self, **arguments: Any) -> Any:
        """Create it, InProgress."""
        self._check_distribution("CreateDistribution", arguments["DistributionConfig"])
        self._left = self._looks
        return self._client.create_distribution(**arguments)

    def update_distribution(self, **arguments: Any) -> Any:
        """Change it: InProgress again."""
        if "IfMatch" not in arguments:
            raise refusal("InvalidIfMatchVersion", "UpdateDistribution")
        self._check_distribution("UpdateDistribution", arguments["DistributionConfig"])
        self._left = self._looks
        return self._client.update_distribution(**arguments)

    def get_distribution(self, **arguments: Any) -> Any:
        """Return it, InProgress for some looks."""
        answer = self._client.get_distribution(**arguments)
        if self._left > 0:
            self._left -= 1
            answer["Distribution"]["Status"] = "InProgress"
        return answer

    def list_cloud_front_origin_access_identities(self, **arguments: Any) -> Any:
        """List the identities that were made here."""
        items = [
            {"Id": each_id, "S3CanonicalUserId": "0", "Comment": each["Comment"]}
            for each_id, each in self._identities.items()
        ]
        listing: dict[str, Any] = {"Quantity": len(items)}
        if items:
            listing["Items"] = items
        return {"CloudFrontOriginAccessIdentityList": listing}

    def create_cloud_front_origin_access_identity(
        self, *, CloudFrontOriginAccessIdentityConfig: Mapping[str, str]
    ) -> Any:
        """Make an identity; return the same one for the same caller reference."""
        config = dict(CloudFrontOriginAccessIdentityConfig)
        for each_id, each in self._identities.items():
            if each == config:
                return {"CloudFrontOriginAccessIdentity": {"Id": each_id}}
        new_id = f"E{len(self._identities):013d}"
        self._identities[new_id] = config
        return {"CloudFrontOriginAccessIdentity": {"Id": new_id}}

    def _check_distribution(self, operation: str, config: Mapping[str, Any]) -> None:
        groups = {
            each["KeyGroup"]["Id"]
            for each in listed(self._client.list_key_groups()["KeyGroupList"])
        }
        controls = {
            each["Id"]
            for each in listed(
                self._client.list_origin_access_controls()["OriginAccessControlList"]
            )
        }
        origins = {each["Id"] for each in listed(config["Origins"])}
        for behavior in behaviors(config):
            if not set(trusted_key_groups(behavior)) <= groups:
                raise refusal("TrustedKeyGroupDoesNotExist", operation)
            if behavior["TargetOriginId"] not in origins:
                raise refusal("NoSuchOrigin", operation)
            if "CachePolicyId" in behavior and "ForwardedValues" in behavior:
                raise refusal("InvalidArgument", operation, "CachePolicyId and ForwardedValues.")
            if "OriginRequestPolicyId" in behavior and "CachePolicyId" not in behavior:
                raise refusal("InvalidArgument", operation, "No CachePolicyId.")
        for origin in listed(config["Origins"]):
            control, identity = access_control_of(origin), access_identity_of(origin)
            if control and identity:
                raise refusal("IllegalOriginAccessConfiguration", operation)
            if control and control not in controls:
                raise refusal("InvalidOriginAccessControl", operation)
            if identity and identity not in self._identities:
                raise refusal("InvalidOriginAccessIdentity", operation)


def strict(clients: Clients, *, looks: int = 0) -> Clients:
    """Return the clients with the strict layer before CloudFront."""
    return dataclasses.replace(
        clients, cloudfront=StrictCloudFront(clients.cloudfront, looks=looks)
    )
