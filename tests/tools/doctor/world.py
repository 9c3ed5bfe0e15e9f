"""Hold the account of a site as a value, an edge that serves it as it is, and changes of both."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeAlias

from botocore import xform_name
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages

from cfsigned_django.core.aws.client import Clients
from cfsigned_django.core.aws.key_groups import ListedPublicKey
from cfsigned_django.core.viewer import Answer, NoAnswer
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
from cfsigned_django.tools.account.documents.bucket import (
    PUBLIC_ACCESS_BLOCK,
    access_control_statement,
    cors_rule,
)
from cfsigned_django.tools.account.documents.distribution_config import behaviors
from cfsigned_django.tools.account.state.site_in_aws import Wanted
from cfsigned_django.tools.catalog import Finding
from cfsigned_django.tools.doctor.examination import Examination
from cfsigned_django.tools.edge import Distribution
from cfsigned_django.tools.edge.client import EdgeClient
from cfsigned_django.tools.edge.stack_policies import MANAGED
from cfsigned_django.tools.model.resource_policy import public_statements
from cfsigned_django.tools.storage_origin import StorageOrigin
from demo_project.rules import read_behavior
from tests.core.aws.failing import Failing, denied
from tests.storage_cases import DOMAIN
from tests.tools import as_answer, error_of_s3, list_of
from tests.tools.account.by_hand import (
    CACHING_DISABLED,
    CACHING_OPTIMIZED,
    CORS_AND_SECURITY,
    CORS_HEADERS,
    CORS_S3_ORIGIN,
    SIMPLE_CORS,
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
KEY, OTHER_KEY = PrivateKey.generate(), PrivateKey.generate()
KEY_PAIR_ID, OTHER_KEY_PAIR_ID = "K2SIGNINGKEY", "K3OTHERKEY"
KEY_GROUP = "key-group-id"
DISTRIBUTION_ID = "E2DISTRIBUTION"
ARN = f"arn:aws:cloudfront::111111111111:distribution/{DISTRIBUTION_ID}"
#: What a behavior trusts that asks for no signature: a list that is off counts for nobody.
OPEN: Document = {"Enabled": False, **list_of(["off"])}
#: The statement that lets the distribution read, and others of which it is a part.
READS = access_control_statement(BUCKET, ARN)
BACKUP = {"Sid": "Backup", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Condition": {}}
OFFICE = {
    "Sid": "Office",
    "Principal": "*",
    "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
}
_CONTROL_ID = "E2CONTROL"
_SIGNS = {"SigningBehavior": "always", "OriginAccessControlOriginType": "s3"}


def cors_policy(name: str, *origins: str, override: bool) -> Document:
    """Return a response headers policy that allows origins to read files."""
    config = {
        "AccessControlAllowOrigins": list_of(list(origins)),
        "AccessControlAllowHeaders": list_of(["*"]),
        "AccessControlAllowMethods": list_of(["GET", "HEAD"]),
        "AccessControlAllowCredentials": False,
        "OriginOverride": override,
    }
    return {"Name": name, "CorsConfig": config}


def cache_policy(*parameters: str) -> Document:
    """Return a cache policy with Origin and these parameters in the cache key."""
    queries = {"QueryStringBehavior": "whitelist", "QueryStrings": list_of([*parameters])}
    headers = {"HeaderBehavior": "whitelist", "Headers": list_of(["Origin"])}
    key = {"HeadersConfig": headers, "QueryStringsConfig": queries}
    return {"Name": "own", "ParametersInCacheKeyAndForwardedToOrigin": key}


def _named(**configs: Document) -> dict[str, NamedConfig]:
    return {
        name: NamedConfig(id=name, name=each["Name"], config=each) for name, each in configs.items()
    }


#: The policies of CloudFront that sites use, and some of the account's own, by their ids.
CACHE_POLICIES = _named(
    **{
        CACHING_OPTIMIZED: {
            "Name": "Managed-CachingOptimized",
            "DefaultTTL": 86400,
            "MaxTTL": 31536000,
        },
        CACHING_DISABLED: {"Name": "Managed-CachingDisabled", "MaxTTL": 0},
    },
    with_origin=cache_policy(),
    with_content_type=cache_policy("response-content-type"),
)
ORIGIN_REQUEST_POLICIES = _named(
    **{
        CORS_S3_ORIGIN: {
            "Name": "Managed-CORS-S3Origin",
            "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": list_of(CORS_HEADERS)},
            "QueryStringsConfig": {"QueryStringBehavior": "none"},
        },
    },
)
RESPONSE_HEADERS_POLICIES = _named(
    **{
        SIMPLE_CORS: cors_policy("Managed-SimpleCORS", "*", override=False),
        CORS_AND_SECURITY: MANAGED["response_headers_policy"],
    }
)


def _listed(key_pair_id: str, name: str, key: PrivateKey) -> ListedPublicKey:
    pem = key.public_key.to_pem()
    return ListedPublicKey(key_pair_id=key_pair_id, name=name, public_key_pem=pem)


def _site_config() -> Document:
    """Return a distribution in order: static files and pages are open, media is restricted."""
    media = {**new_origin(BUCKET), "OriginAccessControlId": _CONTROL_ID}
    pages = {
        "Id": "pages",
        "DomainName": "app.example.com",
        "CustomOriginConfig": {"OriginProtocolPolicy": "https-only"},
    }
    restricted = {
        **new_behavior(media["Id"]),
        "TrustedKeyGroups": {"Enabled": True, **list_of([KEY_GROUP])},
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


#: The account of a site in order, in which there is one more key than it uses.
HEALTHY = Account(
    account_id="111111111111",
    distribution=AwsDistribution(
        id=DISTRIBUTION_ID,
        arn=ARN,
        status="Deployed",
        domain_name="d111111abcdef8.cloudfront.net",
        config=_site_config(),
        active_key_pairs={},
    ),
    bucket=Bucket(
        name=BUCKET,
        state=BucketState.OURS,
        region="us-east-1",
        policy={"Statement": [READS]},
        cors_rules=(cors_rule([ORIGIN]),),
        public_access_block=PUBLIC_ACCESS_BLOCK,
    ),
    public_keys=(
        _listed(KEY_PAIR_ID, "site", KEY),
        _listed(OTHER_KEY_PAIR_ID, "other", OTHER_KEY),
    ),
    key_groups=(KeyGroup(id=KEY_GROUP, name="site", key_pair_ids=(KEY_PAIR_ID,)),),
    access_controls=(NamedConfig(id=_CONTROL_ID, name="x", config=_SIGNS),),
    cache_policies=CACHE_POLICIES,
    origin_request_policies=ORIGIN_REQUEST_POLICIES,
    response_headers_policies=RESPONSE_HEADERS_POLICIES,
)


def clients_of_nobody() -> Clients:
    """Return clients of which only the address of S3 is used: no stack may be looked for."""
    s3 = SimpleNamespace(meta=SimpleNamespace(endpoint_url=S3))
    return Clients(
        cloudfront=None, s3=s3, sts=None, cloudformation=lambda region: Failing(None, denied)
    )


@dataclass(slots=True)
class World:
    """Hold one site, whose account is a value; tests break one thing of it."""

    settings: Any
    account: Account = HEALTHY
    #: By how many seconds the clock of the site's machine is ahead.
    ahead: int = 0
    #: Whether nothing answers this machine.
    is_cut_off: bool = False
    name: str = NAME
    options: dict[str, Any] = field(default_factory=dict)

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
        host, bucket = url.split("/")[2], self.account.bucket
        assert bucket is not None
        if host == DOMAIN and not self.is_cut_off:
            return as_answer(self._edge().get(url, now=NOW, headers=headers), NOW)
        if url.startswith(S3) and not self.is_cut_off:
            if f"/{BUCKET}/" not in url:
                return error_of_s3("NoSuchBucket", 404)
            is_restricted = (bucket.public_access_block or {}).get("RestrictPublicBuckets")
            public = public_statements(bucket.policy, f"arn:aws:s3:::{BUCKET}/*")
            if public and not is_restricted:
                return Answer(status=200, body=b"picture")
            return error_of_s3("AccessDenied")
        raise NoAnswer("Name or service not known")

    def _edge(self) -> EdgeClient:
        """Return an edge that serves the site as it is now."""
        files = InMemoryStorage(base_url=f"/{LOCATION}/")
        files.save(NAME, ContentFile(b"picture"))
        keys = {
            each.key_pair_id: PublicKey.load(each.public_key_pem)
            for each in self.account.public_keys or ()
        }
        trusted = {
            group.id: {each: keys[each] for each in group.key_pair_ids}
            for group in self.account.key_groups or ()
        }
        kinds = ("CachePolicy", "OriginRequestPolicy", "ResponseHeadersPolicy")
        api = SimpleNamespace(**{f"get_{xform_name(k)}": partial(self._policy, k) for k in kinds})
        return EdgeClient(
            Distribution(
                domain_names=(DOMAIN,),
                behaviors=tuple(read_behavior(api, each) for each in behaviors(self.config())),
                key_groups=lambda: trusted,  # one that a behavior names need not be there
                origin=StorageOrigin(files),
            )
        )

    def _policy(self, kind: str, Id: str) -> Any:
        plural = f"{xform_name(kind).removesuffix('y')}ies"
        found = getattr(self.account, plural)[Id]
        return {kind: {"Id": Id, f"{kind}Config": found.config}}

    def config(self) -> Document:
        """Return the configuration of the distribution."""
        return self.account.distribution.config if self.account.distribution else {}

    def change(self, part: str, fields: Mapping[str, Any]) -> None:
        """Change fields of a part; None takes one of a behavior away."""
        if part == "account":
            self.account = replace(self.account, **fields)
        elif part in ("distribution", "bucket"):
            found = getattr(self.account, part)
            self.account = replace(self.account, **{part: replace(found, **fields)})
        elif part in ("settings", "world"):
            target = self.settings if part == "settings" else self
            for name, value in fields.items():
                setattr(target, name, value)
        else:
            config = copy.deepcopy(self.config())
            parts = {"config": config, "origin": config["Origins"]["Items"][0]}
            document = behavior_of(config) if part == "behavior" else parts[part]
            document.update(fields)
            for name in [name for name, value in fields.items() if value is None]:
                del document[name]
            self.change("distribution", {"config": config})


def behavior_of(config: Document) -> Document:
    """Return the behavior of the storage, to be changed in place."""
    found: Document = next(
        each for each in config["CacheBehaviors"]["Items"] if each["PathPattern"] == f"{LOCATION}/*"
    )
    return found


# What can be changed

#: Takes a healthy site, at AWS and in its settings, and changes it.
Change: TypeAlias = Callable[[World], object]


def both(*changes: Change) -> Change:
    """Make several changes, one after another."""
    return lambda world: [each(world) for each in changes]


def changing(part: str) -> Callable[..., Change]:
    """Return what changes fields of one part of a site."""
    return lambda **fields: lambda world: world.change(part, fields)


settings_with, world_with, account, distribution, bucket, configured, behavior, origin = map(
    changing,
    ("settings", "world", "account", "distribution", "bucket", "config", "behavior", "origin"),
)


def edited(change: Callable[[Document], object]) -> Change:
    """Change the configuration of the distribution in place."""

    def edit(world: World) -> None:
        config = copy.deepcopy(world.config())
        change(config)
        world.change("distribution", {"config": config})

    return edit


def policy(*statements: Document) -> Change:
    """Replace the bucket policy by statements, each as the one that lets the distribution read."""
    return bucket(policy={"Statement": [{**READS, **each} for each in statements]})


def cors(*origins: str, **changes: object) -> Change:
    """Replace the CORS rules of the bucket with one, changed."""
    return bucket(cors_rules=({**cors_rule(list(origins)), **changes},))


def members(*key_pair_ids: str) -> Change:
    """Replace the keys of the key group."""
    group = KeyGroup(id=KEY_GROUP, name="site", key_pair_ids=key_pair_ids)
    return account(key_groups=(group,))


KEY_NOT_IN_GROUP = members(OTHER_KEY_PAIR_ID)
NO_BLOCK = bucket(public_access_block=None)
PUBLIC = policy({}, {"Sid": "Public", "Principal": "*", "Condition": {}})


def headers_policy(config: Document) -> Change:
    """Give the behavior a response headers policy of the account's own."""
    policies = {**RESPONSE_HEADERS_POLICIES, **_named(own=config)}
    own = behavior(ResponseHeadersPolicyId="own")
    return both(account(response_headers_policies=policies), own)


def open_like(*patterns: str, last: bool = False, **fields: Any) -> Change:
    """Put open behaviors that are like the storage's, except for fields, before or behind all."""

    @edited
    def change(config: Document) -> None:
        leak = {**behavior_of(config), "TrustedKeyGroups": OPEN, **fields}
        leaks = [{**leak, "PathPattern": each} for each in patterns]
        items = config["CacheBehaviors"]["Items"]
        config["CacheBehaviors"] = list_of([*items, *leaks] if last else [*leaks, *items])

    return change
