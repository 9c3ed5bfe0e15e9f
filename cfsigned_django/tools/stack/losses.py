"""Name what an update would take away from resources that people changed by hand.

An update sends whole documents, as the template has them, and a change set says only that a
resource is modified. So the live document is compared with the properties of the last deployment,
which the change set has. What both leave out, and the defaults of AWS, are no loss.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

from cfsigned_django.core.aws.client import Clients, perform
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.tools.account.account import BucketPart
from cfsigned_django.tools.account.reader import read_part
from cfsigned_django.tools.stack.change_set import NOUNS, Change
from cfsigned_django.tools.stack.existing import Stack
from cfsigned_django.tools.stack.template import WEB_ACL

#: Fields that the API has and a template has not, or that AWS itself fills in.
_OF_AWS: Final = frozenset({"callerreference", "certificate", "certificatesource"})
#: API -> template, where more than the capitals differ.
_NAMES: Final[Mapping[str, str]] = {
    "isipv6enabled": "ipv6enabled",
    "customheaders": "origincustomheaders",
    "exposeheaders": "exposedheaders",
    "maxageseconds": "maxage",
    "applyserversideencryptionbydefault": "serversideencryptionbydefault",
}
#: What AWS fills in where a template says nothing. An empty value, False and 0 need no row.
_DEFAULTS: Final[Mapping[str, object]] = {
    "cloudfrontdefaultcertificate": True,
    "connectionattempts": 3,
    "connectiontimeout": 10,
    "responsecompletiontimeout": 30,
    "originreadtimeout": 30,
    "minimumprotocolversion": "TLSv1",
    "sslsupportmethod": "vip",
    "restrictiontype": "none",
    "continuousdeploymentpolicyid": "",
    "connectionmode": "direct",
    "headerbehavior": "none",
    "cookiebehavior": "none",
    "querystringbehavior": "none",
    "blockedencryptiontypes": ["SSE-C"],
    "encryptiontype": ["SSE-C"],
}
#: The fields of a list in the API.
_OF_LISTS: Final = frozenset({"Quantity", "Items", "Enabled", "CachedMethods"})
#: Often a secret, between CloudFront and an origin.
_HIDDEN: Final = "headervalue"
#: By which field the entries of a list are told apart.
_KEYS: Final = (
    "pathpattern",
    "id",
    "sid",
    "headername",
    "prefix",
    "statuscode",
    "errorcode",
    "eventtype",
)
_SHORT: Final = 200
_REMOVED: Final = "was removed"


def find_removals(change: Change) -> Iterator[str]:
    """Yield what the last deployment had and this one has not: another template was deployed."""
    noun = NOUNS.get(change.resource, change.resource)
    if change.action in ("remove", "replace"):
        yield f"{noun}: {change.physical_id or change.resource} is {change.action}d"
    elif change.before is not None and change.after is not None:
        for place, words in _named_differences(change.before, change.after):
            if words.startswith(_REMOVED):
                yield f"{noun}: {place} {words}"


def find_losses(clients: Clients, change: Change) -> Iterator[str]:
    """Yield each thing that people changed by hand, and that this change would undo.

    Raise :exc:`AwsError` if the live document cannot be read.
    """
    read = _READERS.get(change.resource)
    if read is None or change.action not in ("change", "replace"):
        return
    if change.before is None:
        yield (
            f"{NOUNS[change.resource]}: what was changed by hand, if anything was: CloudFormation "
            "does not tell what it has deployed"
        )
        return
    try:
        live = read(clients, change.physical_id, change.before)
    except AwsError as error:
        if error.code.startswith("NoSuch"):
            yield f"{NOUNS[change.resource]}: it was deleted, and will be made again"
            return
        raise
    before = {name: change.before.get(name, {}) for name in live}
    for place, words in _named_differences(before, live, change.after):
        yield f"{NOUNS[change.resource]}: {place} {words}"


def find_web_acl(clients: Clients, stack: Stack) -> str:
    """Return the web ACL that somebody has given the distribution of a stack, else "".

    A flat-rate plan needs one, and CloudFront refuses an update that would take it away. Raise
    :exc:`AwsError` if the distribution cannot be read.
    """
    distribution_id = stack.outputs.get("DistributionId", "")
    try:
        config = _READERS["Distribution"](clients, distribution_id, {}) if distribution_id else {}
    except AwsError as error:
        if error.code != "NoSuchDistribution":
            raise
        return ""
    live: str = config.get("DistributionConfig", {}).get("WebACLId", "")
    # That of the older WAF Classic has no ARN, which the template takes.
    is_new = live.startswith("arn:") and live != stack.parameters.get(WEB_ACL)
    return live if is_new else ""


def _named_differences(
    before: Mapping[str, Any], after: Mapping[str, Any], wanted: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, str]]:
    """Yield where two documents differ, and how; what is ``wanted`` as it is after, is left out."""
    names = _names(after) | _names(before)
    for path, words in _differences(_plain(before), _plain(after)):
        if wanted is None or _at(_plain(wanted), path) != _at(_plain(after), path):
            yield ".".join(names.get(each, each) for each in path), words


def _at(document: Any, path: tuple[str, ...]) -> Any:
    """Return what a document in one form has at a path; None for nothing."""
    for each in path:
        document = _by_key(document) if isinstance(document, list) else document
        document = document.get(each) if isinstance(document, Mapping) else None
    return document


def _names(document: Any) -> dict[str, str]:
    """Return how each field is written, by its name in lowercase."""
    found: dict[str, str] = {}
    if isinstance(document, Mapping):
        for name, value in document.items():
            found[_NAMES.get(name.lower(), name.lower())] = name
            found |= _names(value)
    elif isinstance(document, list):
        for each in document:
            found |= _names(each)
    return found


def _differences(
    before: Any, live: Any, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield where two documents in the same form differ, and how, for people."""
    if isinstance(before, Mapping) and isinstance(live, Mapping):
        for name in [*before, *(each for each in live if each not in before)]:
            below = (*path, name)
            if name in before and name in live:
                yield from _differences(before[name], live[name], below)
            elif name in live and not _is_default(name, live[name]):
                yield below, f"was added: {_short(live[name])}"
            elif name in before and not _is_default(name, before[name]):
                yield below, f"{_REMOVED}: {_short(before[name])}"
    elif isinstance(before, list) and isinstance(live, list):
        yield from _differences(_by_key(before), _by_key(live), path)
    elif _text(before) != _text(live) and path[-1] == _HIDDEN:
        yield path, "was changed"
    elif _text(before) != _text(live) and not _is_unknown(before):
        yield path, f"was changed to {_short(live)}, from {_short(before)}"


def _by_key(items: list[Any]) -> dict[str, Any]:
    """Return the entries of a list by what tells them apart, in whatever order."""
    return {f"[{_key(each) or number}]": each for number, each in enumerate(items)}


def _key(entry: Any) -> Any:
    """Return what tells an entry of a list apart from others; None if nothing does."""
    if not isinstance(entry, Mapping):
        return entry
    return next((entry[name] for name in _KEYS if entry.get(name)), None)


def _plain(document: Any) -> Any:
    """Return a document of the API, or of a template, in one form.

    Names are in lowercase. ``{"Quantity": 1, "Items": [...]}``, also with ``Enabled``, is a list;
    a list beside ``Items`` (CachedMethods) stands beside it.
    """
    if isinstance(document, list):
        return [_plain(each) for each in document]
    if not isinstance(document, Mapping):
        return document
    if document.keys() <= _OF_LISTS and document.keys() & {"Items", "Quantity"}:
        return _plain(document.get("Items") or [])
    found: dict[str, Any] = {}
    for key, value in document.items():
        name = _NAMES.get(key.lower(), key.lower())
        if name in _OF_AWS or key == "Quantity" or (key == "Enabled" and "Prefix" in document):
            continue  # The last is that of Logging.
        found[name] = _plain(value)
        if name == "allowedmethods" and isinstance(value, Mapping) and "CachedMethods" in value:
            found["cachedmethods"] = _plain(value["CachedMethods"])
    return found


def _is_default(name: str, value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_default(key, each) for key, each in value.items())
    if name in _DEFAULTS and value == _DEFAULTS[name]:
        return True
    return value in ("", None, False, 0, "false") or value == []


def _is_unknown(value: Any) -> bool:
    """Return whether CloudFormation has not told a value: a reference to another resource."""
    return isinstance(value, Mapping) or "{{" in str(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(value: Any) -> str:
    """Return a value in a few words: of a list, what tells its entries apart."""
    if isinstance(value, list):
        return ", ".join(_short(_key(each) or each) for each in value) or "nothing"
    text = value if isinstance(value, str) else json.dumps(_shown(value), ensure_ascii=False)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."


def _shown(value: Any) -> Any:
    """Return a value without what is often a secret, at any depth."""
    if isinstance(value, Mapping):
        return {name: _shown(each) for name, each in value.items() if name != _HIDDEN}
    return [_shown(each) for each in value] if isinstance(value, list) else value


# The live documents, by resource, under the names that the template has.

_Reader: TypeAlias = Callable[[Clients, str, Mapping[str, Any]], dict[str, Any]]


def _config_of(kind: str) -> _Reader:
    """Return what reads the configuration of a kind of resource in CloudFront."""
    block = f"{kind}Config"

    def read(clients: Clients, resource_id: str, before: Mapping[str, Any]) -> dict[str, Any]:
        action, what = f"cloudfront:Get{block}", f"read {resource_id}"
        return {block: perform(clients.cloudfront, action, what, Id=resource_id)[block]}

    return read


def _bucket(clients: Clients, resource_id: str, before: Mapping[str, Any]) -> dict[str, Any]:
    read = partial(read_part, clients.s3, resource_id)
    encryption = read(BucketPart.ENCRYPTION).get("ServerSideEncryptionConfiguration", {})
    rules = read(BucketPart.LIFECYCLE).get("Rules", ())
    return {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": encryption.get("Rules", [])},
        "CorsConfiguration": {"CorsRules": read(BucketPart.CORS).get("CORSRules", [])},
        "LifecycleConfiguration": {"Rules": [_lifecycle_rule(each) for each in rules]},
    }


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lifecycle rule as a template has it."""
    found = {name: value for name, value in rule.items() if name not in ("Filter", "Expiration")}
    prefix = (rule.get("Filter") or {}).get("Prefix") or rule.get("Prefix")
    days = (rule.get("Expiration") or {}).get("Days")
    return {
        **found,
        **({"Prefix": prefix} if prefix else {}),
        **({"ExpirationInDays": days} if days else {}),
    }


def _bucket_policy(clients: Clients, resource_id: str, before: Mapping[str, Any]) -> dict[str, Any]:
    # Its physical ID is not documented to be the bucket.
    policy = read_part(clients.s3, before["Bucket"], BucketPart.POLICY)
    return {"PolicyDocument": json.loads(policy.get("Policy", "{}"))}


_READERS: Final[Mapping[str, _Reader]] = {
    "Bucket": _bucket,
    "BucketPolicy": _bucket_policy,
    "CachePolicy": _config_of("CachePolicy"),
    "Distribution": _config_of("Distribution"),
    "OriginAccessControl": _config_of("OriginAccessControl"),
    "ResponseHeadersPolicy": _config_of("ResponseHeadersPolicy"),
}
