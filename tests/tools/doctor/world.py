"""Hold a site at AWS, an edge that serves it as its configuration says, and changes of both.

The API is the emulator's; the edge is this package's own, in this process,
and reads behaviors, policies, key groups and CORS rules from the API.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, TypeAlias
from unittest import mock
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from botocore import xform_name
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages

from cfsigned_django.aws.client import Clients
from cfsigned_django.signing import PrivateKey, PublicKey
from cfsigned_django.tools.account.account import Account
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.bucket_policy import (
    PUBLIC_ACCESS_BLOCK,
    access_control_statement,
)
from cfsigned_django.tools.account.documents.cache_behavior import (
    behaviors,
    list_of,
)
from cfsigned_django.tools.account.documents.cors import cors_rule
from cfsigned_django.tools.account.reader import list_key_groups, read_account
from cfsigned_django.tools.account.state.wanted import Wanted
from cfsigned_django.tools.doctor.examination import Examination
from cfsigned_django.tools.edge import Distribution
from cfsigned_django.tools.edge.client import EdgeClient
from cfsigned_django.tools.findings import Finding
from cfsigned_django.tools.model.resource_policy import public_statements
from cfsigned_django.tools.model.response_headers import cors_allows
from cfsigned_django.tools.storage_origin import StorageOrigin
from cfsigned_django.viewer import Answer, NoAnswer
from demo_project.rules import read_behavior
from tests import aws
from tests.storage_cases import DOMAIN
from tests.tools.account.by_hand import (
    CORS_S3_ORIGIN,
    SIMPLE_CORS,
    access_control_config,
    new_behavior,
    new_distribution_config,
    new_origin,
)

LOCATION = "media"
NAME = "albums/1.jpg"
ORIGIN = "https://app.example.com"
OTHER_ORIGIN = "https://other.example.com"
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
    #: How the doctor gets its clients, if they are not those that the edge reads with.
    make_clients: Callable[[], Clients] | None = None
    #: Whether nothing answers this machine.
    is_cut_off: bool = False
    name: str = NAME
    options: dict[str, Any] = field(default_factory=dict)
    #: The edge as it is during an examination, which changes nothing.
    edge: EdgeClient | None = None

    @property
    def account(self) -> aws.Account:
        """Return the keys and key groups of the site, to be changed by hand."""
        return aws.Account(api=self.clients.cloudfront)

    @property
    def arn(self) -> str:
        """Return the ARN of the distribution."""
        answer = self.clients.cloudfront.get_distribution(Id=self.distribution_id)
        found: str = answer["Distribution"]["ARN"]
        return found

    def make_policy(self, kind: str, config: Document) -> str:
        """Create a policy of the account's own, such as a CachePolicy; return its id."""
        create = getattr(self.clients.cloudfront, xform_name(f"Create{kind}"))
        found: str = create(**{f"{kind}Config": config})[kind]["Id"]
        return found

    def add_distribution(self) -> None:
        """Create a second distribution like the first."""
        config = {**self.config(), "CallerReference": "second"}
        self.clients.cloudfront.create_distribution(DistributionConfig=config)

    def unblock(self) -> None:
        """Turn Block Public Access off."""
        self.clients.s3.delete_public_access_block(Bucket=self.bucket)

    def build(self) -> None:
        """Create bucket, keys and distribution: static files and pages open, media restricted."""
        self.key_pair_id = self.account.upload("site", self.key.public_key.to_pem())
        self.key_group_id = self.account.make_group(self.key_pair_id, name="site")
        self.clients.s3.create_bucket(Bucket=self.bucket)
        control = self.clients.cloudfront.create_origin_access_control(
            OriginAccessControlConfig=access_control_config(self.bucket)
        )
        config = site_config(self.bucket, self.key_group_id, control["OriginAccessControl"]["Id"])
        made = self.clients.cloudfront.create_distribution(DistributionConfig=config)
        self.distribution_id = made["Distribution"]["Id"]
        self.set_public_access_block()
        self.set_cors(ORIGIN)
        self.set_policy(self.statement())

    def examine(self, *, online: bool = True) -> list[Finding]:
        """Return all that the doctor finds."""
        examination = self.examination()
        found = list(examination.offline())
        if online:

            def read(clients: Clients, wanted: Wanted) -> Account:
                return self.edit(read_account(clients, wanted))

            self.let_requests_in()
            with mock.patch("cfsigned_django.tools.doctor.examination.read_account", read):
                found += examination.online()
        return found

    def examination(self) -> Examination:
        """Return the examination of the site as it is now."""
        storage: Any = storages["default"]
        return Examination(
            alias="default",
            storage=storage,
            make_clients=self.make_clients or (lambda: self.clients),
            fetch=self.fetch,
            clock=lambda: NOW + self.ahead,
            name=self.name,
            asked=Wanted(cors_origins=(ORIGIN,), **self.options),
        )

    def fetch(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Answer as CloudFront or S3 would, at the right time."""
        host = url.split("/")[2]
        if self.is_cut_off:
            raise NoAnswer("Name or service not known")
        if host == DOMAIN:
            assert self.edge is not None
            response = self.edge.get(url, now=NOW, headers=headers)
            fields = {name.lower(): value for name, value in response.headers.items()}
            dated = {"date": formatdate(NOW, usegmt=True), **fields}
            return Answer(status=response.status, headers=dated, body=response.body)
        if url.startswith(self.clients.s3.meta.endpoint_url):
            if f"/{self.bucket}/" not in url:
                return Answer(status=404, body=_S3_DENIED.replace(b"AccessDenied", b"NoSuchBucket"))
            policy = json.loads(self.clients.s3.get_bucket_policy(Bucket=self.bucket)["Policy"])
            if public_statements(policy, f"arn:aws:s3:::{self.bucket}/*"):
                return Answer(status=200, body=b"picture")
            return Answer(status=403, body=_S3_DENIED)
        raise NoAnswer("Name or service not known")

    def let_requests_in(self) -> Clients:
        """Serve the site as it is now, until the next time; return the clients of its account."""
        self.edge = self._edge()
        return self.clients

    def _edge(self) -> EdgeClient:
        files = InMemoryStorage(base_url=f"/{LOCATION}/")
        files.save(NAME, ContentFile(b"picture"))
        found = self.clients.s3.get_bucket_cors(Bucket=self.bucket)["CORSRules"]
        trusted = self._key_groups()
        return EdgeClient(
            Distribution(
                domain_names=(DOMAIN,),
                behaviors=tuple(
                    read_behavior(self.clients.cloudfront, each)
                    for each in behaviors(self.config())
                ),
                key_groups=lambda: trusted,  # one that a behavior names need not be there
                origin=with_cors(StorageOrigin(files), found),
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

    def set_policy(self, *statements: Document) -> None:
        """Replace the statements of the bucket policy."""
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        self.clients.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))

    def statement(self, **changes: Any) -> Document:
        """Return the statement that lets the distribution read, changed."""
        return {**access_control_statement(self.bucket, self.arn), **changes}

    def set_cors(self, *origins: str, **changes: Any) -> None:
        """Replace the CORS rules of the bucket with one for these origins, changed."""
        rules = [{**cors_rule(list(origins)), **changes}]
        self.clients.s3.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": rules})

    def set_public_access_block(self, **changes: bool) -> None:
        """Turn the four switches of Block Public Access on, except the changes."""
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


def with_cors(origin: WSGIApplication, rules: Sequence[Document]) -> WSGIApplication:
    """Return an origin that names the page of a request, as S3 does by the rules of a bucket."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        page = environ.get("HTTP_ORIGIN", "")
        allowed = [each for rule in rules for each in rule["AllowedOrigins"]]
        names = page and any(cors_allows(each, page) for each in allowed)
        added = [("Access-Control-Allow-Origin", page), ("Vary", "Origin")] if names else []
        return origin(
            environ, lambda status, headers, *_: start_response(status, [*headers, *added])
        )

    return answer


def site_config(bucket: str, key_group_id: str, access_control_id: str) -> Document:
    media = {**new_origin(bucket), "OriginAccessControlId": access_control_id}
    pages = {
        "Id": "pages",
        "DomainName": "app.example.com",
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
        },
    }
    restricted = {
        **new_behavior(media["Id"]),
        "TrustedKeyGroups": {"Enabled": True, **list_of([key_group_id])},
        "OriginRequestPolicyId": CORS_S3_ORIGIN,
        "ResponseHeadersPolicyId": SIMPLE_CORS,
    }
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


# What can be changed


#: Takes a healthy site, at AWS and in its settings, and changes it.
Change: TypeAlias = Callable[[World, Any], object]

BACKUP = {"Sid": "Backup", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Condition": {}}
OFFICE = {
    "Sid": "Office",
    "Principal": "*",
    "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
}


def both(*changes: Change) -> Change:
    """Make several changes, one after another."""
    return lambda world, settings: [each(world, settings) for each in changes]


def setting(name: str, value: object) -> Change:
    """Change a setting."""
    return lambda world, settings: setattr(settings, name, value)


def world_with(**fields: object) -> Change:
    """Change what the world is beside the API."""

    def change(world: World, settings: Any) -> None:
        for name, value in fields.items():
            setattr(world, name, value)

    return change


def edited(change: Callable[[Document], object]) -> Change:
    """Change the configuration of the distribution in place."""
    return lambda world, settings: world.update(change)


def configured(**fields: object) -> Change:
    """Change fields of the distribution."""
    return edited(lambda config: config.update(fields))


def behavior(**fields: object) -> Change:
    """Change fields of the behavior that serves the storage; None takes one away."""

    @edited
    def change(config: Document) -> None:
        found = behavior_of(config)
        found.update(fields)
        for name in [name for name, value in fields.items() if value is None]:
            del found[name]

    return change


def origin(**fields: object) -> Change:
    """Change fields of the origin that is the bucket."""
    return edited(lambda config: config["Origins"]["Items"][0].update(fields))


def policy(*changes: Document) -> Change:
    """Replace the bucket policy by the statement that lets the distribution read, changed."""
    return lambda world, settings: world.set_policy(*(world.statement(**each) for each in changes))


def cors(*origins: str, **changes: object) -> Change:
    """Replace the CORS rules of the bucket with one, changed."""
    return lambda world, settings: world.set_cors(*origins, **changes)


def key_not_in_group(world: World, settings: Any) -> None:
    """Leave only a key that is not ours in the key group."""
    world.account.set_members(world.key_group_id, world.account.upload("other"))


def no_block(world: World, settings: Any) -> None:
    """Turn Block Public Access off."""
    world.unblock()


def public_bucket(world: World, settings: Any) -> None:
    """Make the bucket public by a policy that is older than Block Public Access."""
    no_block(world, settings)
    public = world.statement(Sid="Public", Principal="*")
    del public["Condition"]
    world.set_policy(world.statement(), public)
    world.set_public_access_block()


def headers_policy(
    *allowed: str, override: bool = True, rule: tuple[str, ...] = (OTHER_ORIGIN,)
) -> Change:
    """Give the behavior a policy of the account's own, and the bucket a rule."""
    cors = {
        "AccessControlAllowOrigins": list_of([*allowed]),
        "AccessControlAllowHeaders": list_of(["*"]),
        "AccessControlAllowMethods": list_of(["GET", "HEAD"]),
        "AccessControlAllowCredentials": False,
        "OriginOverride": override,
    }
    content = {"SecurityHeadersConfig": {"ContentTypeOptions": {"Override": True}}}
    config = {"Name": "own", **({"CorsConfig": cors} if allowed else content)}

    def change(world: World, settings: Any) -> None:
        world.set_cors(*rule)
        policy_id = world.make_policy("ResponseHeadersPolicy", config)
        behavior(ResponseHeadersPolicyId=policy_id)(world, settings)

    return change


def open_like(*patterns: str, last: bool = False, **fields: Any) -> Change:
    """Put open behaviors that are like the storage's, except for fields, before or behind all."""

    @edited
    def change(config: Document) -> None:
        leak = {**behavior_of(config), "TrustedKeyGroups": OPEN, **fields}
        leaks = [{**leak, "PathPattern": each} for each in patterns]
        items = config["CacheBehaviors"]["Items"]
        config["CacheBehaviors"] = list_of([*items, *leaks] if last else [*leaks, *items])

    return change
