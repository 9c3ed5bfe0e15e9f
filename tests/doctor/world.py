"""Hold a site at AWS, and an edge that serves it as its configuration says.

The API is the emulator's; the edge is this package's own, in this process,
and reads behaviors, key groups and CORS rules from the API for each request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any
from unittest import mock

from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages

from cfsigned_django.aws.account import Account
from cfsigned_django.aws.account_reader import list_key_groups, read_account
from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import (
    BehaviorChange,
    behaviors,
    list_of,
    patch_behavior,
    trusted_key_groups,
)
from cfsigned_django.aws.documents.bucket_policy import (
    PUBLIC_ACCESS_BLOCK,
    access_control_statement,
    public_statements,
)
from cfsigned_django.aws.documents.cors import cors_rule
from cfsigned_django.aws.documents.distribution import (
    Attachment,
    access_control_config,
    attach,
    find_origin,
    new_behavior,
    new_distribution_config,
    new_origin,
)
from cfsigned_django.aws.documents.policies import (
    ORIGIN_REQUEST_POLICIES,
    RESPONSE_HEADERS_POLICIES,
)
from cfsigned_django.doctor.examination import Examination
from cfsigned_django.doctor.findings import Finding
from cfsigned_django.edge import Behavior, Distribution
from cfsigned_django.edge.client import EdgeClient
from cfsigned_django.edge.cors import CorsRule
from cfsigned_django.signing import PrivateKey, PublicKey
from cfsigned_django.storage.origin import StorageOrigin
from cfsigned_django.viewer import Answer, NoAnswer
from tests.storage_cases import DOMAIN

LOCATION = "media"
NAME = "albums/1.jpg"
ORIGIN = "https://app.example.com"
NOW = 1_800_000_000
#: What a behavior trusts that asks for no signature.
OPEN: Document = {"Enabled": False, "Quantity": 0}
_S3_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
    b"<Message>Access Denied</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"
)


@dataclass(slots=True)
class World:
    """Hold one site at AWS; tests break one thing of it."""

    clients: Clients
    bucket: str
    key: PrivateKey
    key_pair_id: str = ""
    key_group_id: str = ""
    distribution_id: str = ""
    #: By how many seconds the clock of the site's machine is ahead.
    ahead: int = 0
    #: What the emulator cannot be brought to say.
    edit: Callable[[Account], Account] = lambda found: found
    #: What stands between the doctor and the edge.
    between: Callable[[Answer], Answer] = lambda answer: answer
    #: What the doctor asks AWS with, if that is not what the edge reads.
    doctor_clients: Clients | None = None
    #: How the doctor gets it; None is simply so.
    make_clients: Callable[[], Clients] | None = None
    #: Whether nothing answers this machine.
    is_cut_off: bool = False
    #: Whether a function on viewer requests drops their query.
    drops_query: bool = False
    name: str | None = NAME
    cors_origins: tuple[str, ...] = (ORIGIN,)
    options: dict[str, Any] = field(default_factory=dict)

    def build(self) -> None:
        """Create bucket, keys and distribution: static files and pages open, media restricted."""
        self.key_pair_id = self.add_public_key(self.key, "site")
        self.key_group_id = self.add_key_group("site", self.key_pair_id)
        self.clients.s3.create_bucket(Bucket=self.bucket)
        control = self.clients.cloudfront.create_origin_access_control(
            OriginAccessControlConfig=access_control_config(self.bucket)
        )
        config = _config(self.bucket, self.key_group_id, control["OriginAccessControl"]["Id"])
        made = self.clients.cloudfront.create_distribution(DistributionConfig=config)
        self.distribution_id = made["Distribution"]["Id"]
        self.set_public_access_block()
        self.set_cors(ORIGIN)
        self.set_policy(self.statement())

    def examine(self, *, online: bool = True) -> list[Finding]:
        """Return all that the doctor finds."""
        storage: Any = storages["default"]
        examination = Examination(
            alias="default",
            storage=storage,
            make_clients=self.make_clients or (lambda: self.doctor_clients or self.clients),
            fetch=self.fetch,
            clock=lambda: NOW + self.ahead,
            name=self.name,
            cors_origins=self.cors_origins,
            **self.options,
        )
        found = list(examination.offline())
        if online:
            with mock.patch("cfsigned_django.doctor.examination.read_account", self._read):
                found += examination.online()
        return found

    def _read(self, clients: Clients, **wanted: Any) -> Account:
        return self.edit(read_account(clients, **wanted))

    def fetch(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Answer as CloudFront or S3 would, at the right time."""
        host = url.split("/")[2]
        if self.is_cut_off:
            raise NoAnswer("Name or service not known")
        if host == DOMAIN:
            url = url.partition("?")[0] if self.drops_query else url
            response = self._edge().get(url, now=NOW, headers=headers)
            fields = {name.lower(): value for name, value in response.headers.items()}
            dated = {"date": formatdate(NOW, usegmt=True), **fields}
            return self.between(Answer(status=response.status, headers=dated, body=response.body))
        if host.endswith(".amazonaws.com"):
            policy = json.loads(self.clients.s3.get_bucket_policy(Bucket=self.bucket)["Policy"])
            if public_statements(policy):
                return Answer(status=200, body=b"picture")
            return Answer(status=403, body=_S3_DENIED)
        raise NoAnswer("Name or service not known")

    def _edge(self) -> EdgeClient:
        config = self.config()
        files = InMemoryStorage()
        files.save(NAME, ContentFile(b"picture"))
        found = self.clients.s3.get_bucket_cors(Bucket=self.bucket)["CORSRules"]
        rules = [
            CorsRule(allowed_origins=tuple(each["AllowedOrigins"]), allowed_headers=("*",))
            for each in found
        ]
        return EdgeClient(
            Distribution(
                domain_names=(DOMAIN,),
                behaviors=tuple(
                    Behavior(
                        path_pattern=each["PathPattern"],
                        trusted_key_groups=tuple(trusted_key_groups(each)),
                    )
                    for each in behaviors(config)
                ),
                key_groups=self._key_groups,
                origin=StorageOrigin(files, base_path=f"/{LOCATION}/", cors_rules=rules),
            )
        )

    def _key_groups(self) -> dict[str, dict[str, PublicKey]]:
        get = self.clients.cloudfront.get_public_key
        return {
            group.id: {
                each: PublicKey.load(get(Id=each)["PublicKey"]["PublicKeyConfig"]["EncodedKey"])
                for each in group.key_pair_ids
            }
            for group in list_key_groups(self.clients.cloudfront)
        }

    def config(self) -> Document:
        """Return the configuration of the distribution."""
        answer = self.clients.cloudfront.get_distribution_config(Id=self.distribution_id)
        found: Document = answer["DistributionConfig"]
        return found

    def update(self, change: Callable[[Document], object]) -> None:
        """Change the configuration of the distribution in place."""
        cloudfront = self.clients.cloudfront
        answer = cloudfront.get_distribution_config(Id=self.distribution_id)
        config = answer["DistributionConfig"]
        change(config)
        cloudfront.update_distribution(
            Id=self.distribution_id, IfMatch=answer["ETag"], DistributionConfig=config
        )

    def update_behavior(self, **fields: Any) -> None:
        """Change fields of the behavior that serves the storage; None takes one away."""

        def change(config: Document) -> None:
            behavior = behavior_of(config)
            behavior.update(fields)
            for name in [name for name, value in fields.items() if value is None]:
                del behavior[name]

        self.update(change)

    def trust(self, *key_group_ids: str) -> None:
        """Replace the key groups that the behavior trusts."""
        self.update_behavior(TrustedKeyGroups={"Enabled": True, **list_of([*key_group_ids])})

    def edit_distribution(self, **fields: Any) -> None:
        """Let the API say something else of the distribution."""
        self.edit = lambda found: replace(
            found,
            distribution=replace(found.distribution, **fields) if found.distribution else None,
        )

    def add_public_key(self, key: PrivateKey, name: str) -> str:
        """Create a public key; return its id."""
        encoded = key.public_key.to_pem()
        answer = self.clients.cloudfront.create_public_key(
            PublicKeyConfig={"CallerReference": name, "Name": name, "EncodedKey": encoded}
        )
        key_pair_id: str = answer["PublicKey"]["Id"]
        return key_pair_id

    def add_key_group(self, name: str, *key_pair_ids: str) -> str:
        """Create a key group; return its id."""
        answer = self.clients.cloudfront.create_key_group(
            KeyGroupConfig={"Name": name, "Items": [*key_pair_ids]}
        )
        key_group_id: str = answer["KeyGroup"]["Id"]
        return key_group_id

    def members(self) -> list[str]:
        """Return the public keys of the key group."""
        answer = self.clients.cloudfront.get_key_group(Id=self.key_group_id)
        return list(answer["KeyGroup"]["KeyGroupConfig"]["Items"])

    def set_members(self, *key_pair_ids: str) -> None:
        """Replace what is in the key group."""
        cloudfront = self.clients.cloudfront
        answer = cloudfront.get_key_group(Id=self.key_group_id)
        cloudfront.update_key_group(
            Id=self.key_group_id,
            IfMatch=answer["ETag"],
            KeyGroupConfig={"Name": "site", "Items": list(key_pair_ids)},
        )

    def set_policy(self, *statements: Document) -> None:
        """Replace the statements of the bucket policy."""
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        self.clients.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))

    def statement(self, **changes: Any) -> Document:
        """Return the statement that lets the distribution read, changed."""
        answer = self.clients.cloudfront.get_distribution(Id=self.distribution_id)
        return {**access_control_statement(self.bucket, answer["Distribution"]["ARN"]), **changes}

    def set_cors(self, *origins: str, **changes: Any) -> None:
        """Replace the CORS rules of the bucket with one for these origins, changed."""
        rules = [{**cors_rule(list(origins)), **changes}]
        self.clients.s3.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": rules})

    def set_public_access_block(self, **changes: bool) -> None:
        """Turn the four switches of Block Public Access on, but for the changes."""
        switches = {**PUBLIC_ACCESS_BLOCK, **changes}
        self.clients.s3.put_public_access_block(
            Bucket=self.bucket, PublicAccessBlockConfiguration=switches
        )

    def anonymous(self, text: str) -> str:
        """Return a text in which the ids of this world are those of every world."""
        ids = {
            self.bucket: "media-bucket",
            self.key_pair_id: "K2SIGNINGKEY",
            self.key_group_id: "key-group-id",
            self.distribution_id: "E2DISTRIBUTION",
        }
        for own, name in ids.items():
            text = text.replace(own, name)
        return text


def _config(bucket: str, key_group_id: str, access_control_id: str) -> Document:
    attachment = Attachment(access_control_id=access_control_id)
    media = attach(new_origin(bucket, "us-east-1"), attachment)
    pages = {
        "Id": "pages",
        "DomainName": "app.example.com",
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
        },
    }
    change = BehaviorChange(
        key_group_id=key_group_id,
        origin_request_policy_id=ORIGIN_REQUEST_POLICIES["CORS-S3Origin"],
        response_headers_policy_id=RESPONSE_HEADERS_POLICIES["SimpleCORS"],
    )
    restricted = patch_behavior(new_behavior(media["Id"]), change)
    config = new_distribution_config(bucket, media, new_behavior("pages"))
    config["Origins"] = list_of([media, pages])
    config["Aliases"] = list_of([DOMAIN])
    config["CacheBehaviors"] = list_of(
        [
            {"PathPattern": "static/*", **new_behavior("pages")},
            {"PathPattern": f"{LOCATION}/*", **restricted},
        ]
    )
    return config


def behavior_of(config: Document) -> Document:
    """Return the behavior of the storage, to be changed in place."""
    found: Document = next(
        each for each in config["CacheBehaviors"]["Items"] if each["PathPattern"] == f"{LOCATION}/*"
    )
    return found


def open_twin(config: Document, pattern: str, **origin: str) -> None:
    """Put an open behavior before all others, with an origin of its own that is the bucket."""
    media = find_origin(config, behavior_of(config)["TargetOriginId"]) or {}
    config["Origins"] = list_of([*config["Origins"]["Items"], {**media, "Id": "twin", **origin}])
    open_like_storage(config, pattern, TargetOriginId="twin")


def open_like_storage(config: Document, *patterns: str, **changes: Any) -> None:
    """Put open behaviors before all others that are like the storage's but for the changes."""
    leak = {**behavior_of(config), "TrustedKeyGroups": OPEN, **changes}
    leaks = [{**leak, "PathPattern": each} for each in patterns]
    config["CacheBehaviors"] = list_of([*leaks, *config["CacheBehaviors"]["Items"]])
