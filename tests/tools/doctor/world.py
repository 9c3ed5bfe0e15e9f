"""Hold the account of a site as a value, an edge that serves it as it is, and changes of both."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeAlias
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from botocore import xform_name
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.key_groups import ListedPublicKey
from cfsigned_django.signing import PrivateKey, PublicKey
from cfsigned_django.tools.account.account import (
    Account,
    AwsDistribution,
    Bucket,
    BucketState,
    KeyGroup,
    NamedConfig,
)
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.bucket_policy import (
    PUBLIC_ACCESS_BLOCK,
    access_control_statement,
)
from cfsigned_django.tools.account.documents.cache_behavior import behaviors, list_of
from cfsigned_django.tools.account.documents.cors import cors_rule
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
from tests.aws.failing import Failing, denied
from tests.storage_cases import DOMAIN
from tests.tools.account.by_hand import (
    ALL_VIEWER,
    CACHING_DISABLED,
    CACHING_OPTIMIZED,
    CORS_HEADERS,
    CORS_S3_ORIGIN,
    SECURITY_HEADERS,
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
BUCKET = "media-bucket"
S3 = "https://s3.us-east-1.amazonaws.com"
#: What a behavior trusts that asks for no signature: a list that is off counts for nobody.
OPEN: Document = {"Enabled": False, **list_of(["off"])}
_ACCOUNT_ID, _DISTRIBUTION_ID, _CONTROL_ID = "111111111111", "E2DISTRIBUTION", "E2CONTROL"
_ARN = f"arn:aws:cloudfront::{_ACCOUNT_ID}:distribution/{_DISTRIBUTION_ID}"
_S3_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
    b"<Message>Access Denied</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"
)
#: The policies of CloudFront that sites use.
MANAGED: dict[str, dict[str, Document]] = {
    "cache_policies": {
        CACHING_OPTIMIZED: {
            "Name": "Managed-CachingOptimized",
            "DefaultTTL": 86400,
            "MaxTTL": 31536000,
        },
        CACHING_DISABLED: {"Name": "Managed-CachingDisabled", "MaxTTL": 0},
    },
    "origin_request_policies": {
        CORS_S3_ORIGIN: {
            "Name": "Managed-CORS-S3Origin",
            "HeadersConfig": {
                "HeaderBehavior": "whitelist",
                "Headers": list_of(CORS_HEADERS),
            },
            "QueryStringsConfig": {"QueryStringBehavior": "none"},
        },
        ALL_VIEWER: {
            "Name": "Managed-AllViewer",
            "HeadersConfig": {"HeaderBehavior": "allViewer"},
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        },
    },
    "response_headers_policies": {
        SIMPLE_CORS: {
            "Name": "Managed-SimpleCORS",
            "CorsConfig": {
                "AccessControlAllowOrigins": list_of(["*"]),
                "AccessControlAllowHeaders": list_of(["*"]),
                "AccessControlAllowMethods": list_of(["GET", "HEAD"]),
                "AccessControlAllowCredentials": False,
                "OriginOverride": False,
            },
        },
        SECURITY_HEADERS: {
            "Name": "Managed-SecurityHeadersPolicy",
            "SecurityHeadersConfig": {"ContentTypeOptions": {"Override": True}},
        },
    },
}
_KINDS = {
    "CachePolicy": "cache_policies",
    "OriginRequestPolicy": "origin_request_policies",
    "ResponseHeadersPolicy": "response_headers_policies",
}


def clients_of_nobody() -> Clients:
    """Return clients of which only the address of S3 is used: no stack may be looked for."""
    s3 = SimpleNamespace(meta=SimpleNamespace(endpoint_url=S3))
    return Clients(
        cloudfront=None, s3=s3, sts=None, cloudformation=lambda region: Failing(None, denied)
    )


@dataclass(slots=True)
class World:
    """Hold one site, whose account is a value; tests break one thing of it."""

    key: PrivateKey
    value: Account
    key_pair_id: str = "K2SIGNINGKEY"
    key_group_id: str = "key-group-id"
    distribution_id: str = _DISTRIBUTION_ID
    bucket: str = BUCKET
    arn: str = _ARN
    #: By how many seconds the clock of the site's machine is ahead.
    ahead: int = 0
    #: What AWS says otherwise, which its edges do not.
    edit: Callable[[Account], Account] = lambda found: found
    #: Whether nothing answers this machine.
    is_cut_off: bool = False
    name: str = NAME
    options: dict[str, Any] = field(default_factory=dict)

    def found(self, wanted: Wanted) -> Account:
        """Return what would be read of the account for these wishes."""
        found, bucket = self.edit(self.value), None
        if wanted.bucket:
            bucket = Bucket(name=wanted.bucket, state=BucketState.MISSING)
            if wanted.bucket == self.bucket:
                bucket = found.bucket
        return replace(found, bucket=bucket)

    def examine(self) -> list[Finding]:
        """Return all that the doctor finds, if read_account() returns what this holds."""
        examination = self.examination()
        return [*examination.offline(), *examination.online()]

    def examination(self) -> Examination:
        """Return the examination of the site as it is now."""
        storage: Any = storages["default"]
        return Examination(
            alias="default",
            storage=storage,
            make_clients=clients_of_nobody,
            fetch=self.fetch,
            clock=lambda: NOW + self.ahead,
            name=self.name,
            asked=Wanted(cors_origins=(ORIGIN,), **self.options),
        )

    def fetch(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Answer as CloudFront or S3 would, at the right time."""
        host, bucket = url.split("/")[2], self.value.bucket
        assert bucket is not None
        if host == DOMAIN and not self.is_cut_off:
            response = self._edge(bucket).get(url, now=NOW, headers=headers)
            fields = {name.lower(): value for name, value in response.headers.items()}
            dated = {"date": formatdate(NOW, usegmt=True), **fields}
            return Answer(status=response.status, headers=dated, body=response.body)
        if url.startswith(S3) and not self.is_cut_off:
            if f"/{bucket.name}/" not in url:
                return Answer(status=404, body=_S3_DENIED.replace(b"AccessDenied", b"NoSuchBucket"))
            if public_statements(bucket.policy, f"arn:aws:s3:::{bucket.name}/*"):
                return Answer(status=200, body=b"picture")
            return Answer(status=403, body=_S3_DENIED)
        raise NoAnswer("Name or service not known")

    def _edge(self, bucket: Bucket) -> EdgeClient:
        """Return an edge that serves the site as it is now."""
        files = InMemoryStorage(base_url=f"/{LOCATION}/")
        files.save(NAME, ContentFile(b"picture"))
        keys = {
            each.key_pair_id: PublicKey.load(each.public_key_pem)
            for each in self.value.public_keys or ()
        }
        trusted = {
            group.id: {each: keys[each] for each in group.key_pair_ids}
            for group in self.value.key_groups or ()
        }
        api = SimpleNamespace(
            **{f"get_{xform_name(kind)}": partial(self._policy, kind) for kind in _KINDS}
        )
        return EdgeClient(
            Distribution(
                domain_names=(DOMAIN,),
                behaviors=tuple(read_behavior(api, each) for each in behaviors(self.config())),
                key_groups=lambda: trusted,  # one that a behavior names need not be there
                origin=with_cors(StorageOrigin(files), bucket.cors_rules),
            )
        )

    def _policy(self, kind: str, Id: str) -> Any:
        found = getattr(self.value, _KINDS[kind])[Id]
        return {kind: {"Id": Id, f"{kind}Config": found.config}}

    # What tests change

    def upload(self, name: str) -> str:
        """Create a public key; return its id."""
        keys = self.value.public_keys or ()
        key_pair_id = f"K{len(keys) + 2}{name.upper()}KEY"
        listed = _listed(key_pair_id, name, PrivateKey.generate())
        self.value = replace(self.value, public_keys=(*keys, listed))
        return key_pair_id

    def set_members(self, *key_pair_ids: str) -> None:
        """Replace the keys of the key group."""
        group = KeyGroup(id=self.key_group_id, name="site", key_pair_ids=key_pair_ids)
        self.value = replace(self.value, key_groups=(group,))

    def add_group(self, name: str) -> None:
        """Create a key group of another site."""
        group = KeyGroup(id=f"{name}-id", name=name, key_pair_ids=())
        self.value = replace(self.value, key_groups=(*(self.value.key_groups or ()), group))

    def make_policy(self, kind: str, config: Document) -> str:
        """Create a policy of the account's own, such as a CachePolicy; return its id."""
        part, policy_id = _KINDS[kind], f"{config['Name']}-{kind}"
        policy = NamedConfig(id=policy_id, name=config["Name"], config=config)
        fields: dict[str, Any] = {part: {**getattr(self.value, part), policy_id: policy}}
        self.value = replace(self.value, **fields)
        return policy_id

    def config(self) -> Document:
        """Return the configuration of the distribution."""
        return self.value.distribution.config if self.value.distribution else {}

    def update(self, change: Callable[[Document], object]) -> None:
        """Change the configuration of the distribution."""
        config = copy.deepcopy(self.config())
        change(config)
        assert self.value.distribution is not None
        distribution = replace(self.value.distribution, config=config)
        self.value = replace(self.value, distribution=distribution)

    def change_bucket(self, **fields: Any) -> None:
        """Change fields of the bucket."""
        assert self.value.bucket is not None
        self.value = replace(self.value, bucket=replace(self.value.bucket, **fields))

    def set_policy(self, *statements: Document) -> None:
        """Replace the statements of the bucket policy."""
        self.change_bucket(policy={"Version": "2012-10-17", "Statement": list(statements)})

    def statement(self, **changes: Any) -> Document:
        """Return the statement that lets the distribution read, changed."""
        return {**access_control_statement(self.bucket, self.arn), **changes}

    def set_cors(self, *origins: str, **changes: Any) -> None:
        """Replace the CORS rules of the bucket with one for these origins, changed."""
        self.change_bucket(cors_rules=({**cors_rule(list(origins)), **changes},))


def healthy_world(key: PrivateKey) -> World:
    """Return a site in order: static files and pages are open, media is restricted."""
    policies: dict[str, Any] = {
        part: {key: NamedConfig(id=key, name=each["Name"], config=each) for key, each in found}
        for part, found in ((part, table.items()) for part, table in MANAGED.items())
    }
    control = NamedConfig(id=_CONTROL_ID, name="x", config=access_control_config("x"))
    distribution = AwsDistribution(
        id=_DISTRIBUTION_ID,
        arn=_ARN,
        status="Deployed",
        domain_name="d111111abcdef8.cloudfront.net",
        config={},
        active_key_pairs={},
    )
    bucket = Bucket(
        name=BUCKET,
        state=BucketState.OURS,
        region="us-east-1",
        public_access_block=PUBLIC_ACCESS_BLOCK,
    )
    account = Account(
        account_id=_ACCOUNT_ID,
        distribution=distribution,
        bucket=bucket,
        access_controls=(control,),
        **policies,
    )
    world = World(key=key, value=account)
    listed = _listed(world.key_pair_id, "site", key)
    world.value = replace(account, public_keys=(listed,))
    world.set_members(world.key_pair_id)
    world.update(lambda config: config.update(site_config(world.key_group_id)))
    world.set_cors(ORIGIN)
    world.set_policy(world.statement())
    return world


def _listed(key_pair_id: str, name: str, key: PrivateKey) -> ListedPublicKey:
    pem = key.public_key.to_pem()
    return ListedPublicKey(key_pair_id=key_pair_id, name=name, public_key_pem=pem)


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


def site_config(key_group_id: str) -> Document:
    media = {**new_origin(BUCKET), "OriginAccessControlId": _CONTROL_ID}
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
    config = new_distribution_config(BUCKET, media, new_behavior("pages"))
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
    world.set_members(world.upload("other"))


def no_block(world: World, settings: Any) -> None:
    """Turn Block Public Access off."""
    world.change_bucket(public_access_block=None)


def public_bucket(world: World, settings: Any) -> None:
    """Make the bucket public by a policy that is older than Block Public Access."""
    public = world.statement(Sid="Public", Principal="*")
    del public["Condition"]
    world.set_policy(world.statement(), public)


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
