"""Access to a bucket, for CloudFront only.

The bucket policy: the statements for CloudFront, the public ones, and other readers. And the
switches of Block Public Access.

Developer Guide: "Restrict access to an Amazon S3 origin"
(private-content-restricting-access-to-s3).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.model.behaviors import find_path

#: The service that reads the bucket if the origin has an origin access control.
SERVICE: Final = "cloudfront.amazonaws.com"
# Condition keys that restrict access. S3 calls a statement public unless one of these has fixed
# values (S3 User Guide, "The meaning of public"). Other keys do not count as a restriction. Unlike
# S3, this module takes a pattern within one account, role or organization as a fixed value.
_RESTRICTING_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
    }
)
# Operators that also allow a request that lacks the key.
_LAX_OPERATOR = re.compile(r"forallvalues:.*|.*(?:not|null).*|.*ifexists", re.IGNORECASE)
# An ARN without a pattern up to its account.
_OF_AN_ACCOUNT = re.compile(r"arn(?::[^:*?$]*){3}:[0-9]{12}:.*", re.DOTALL)
# A role or an organization, and something within it.
_WITHIN = re.compile(r"[^*?$:/]+[:/].*", re.DOTALL)
# Broader ranges of addresses are public (the same page), by their IP version.
_BROADEST: Final = {4: 8, 6: 32}


def access_control_statement(
    bucket: str, distribution_arn: str, *, partition: str = "aws"
) -> Document:
    """Return the statement that lets one distribution read through an origin access control."""
    return {
        "Sid": f"AllowCloudFront{distribution_arn.rpartition('/')[2]}",
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "s3:GetObject",
        "Resource": f"arn:{partition}:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn}},
    }


def access_identity_statement(bucket: str, identity_id: str, *, partition: str = "aws") -> Document:
    """Return the statement that lets an origin access identity (the legacy way) read."""
    return {
        "Sid": f"AllowCloudFront{identity_id}",
        "Effect": "Allow",
        "Principal": {
            "AWS": f"arn:{partition}:iam::cloudfront:user/CloudFront Origin Access Identity "
            f"{identity_id}"
        },
        "Action": "s3:GetObject",
        "Resource": f"arn:{partition}:s3:::{bucket}/*",
    }


def statements(policy: Mapping[str, Any] | None) -> list[Document]:
    """Return the statements of a policy; IAM also accepts one that is not in a list."""
    found = (policy or {}).get("Statement", [])
    return [dict(found)] if isinstance(found, Mapping) else list(found)


def public_statements(policy: Mapping[str, Any] | None) -> list[Document]:
    """Return the public statements: any principal, without a restriction."""
    return [each for each in statements(policy) if is_public(each)]


def is_public(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement allows public access."""
    if not is_for_strangers(statement):
        return False
    return "NotPrincipal" in statement or not _is_restricted(statement.get("Condition") or {})


def is_for_strangers(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement allows unsigned requests, under any condition."""
    if statement.get("Effect") != "Allow":
        return False
    if "NotPrincipal" in statement:
        return True
    principal = statement.get("Principal")
    values = principal.values() if isinstance(principal, Mapping) else [principal]
    return any(not _is_fixed(name) for each in values for name in _listed(each))


def _is_restricted(condition: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether a condition limits where requests may come from."""
    return any(
        key.lower() in _RESTRICTING_KEYS and _are_narrow(_listed(value))
        for operator, keys in condition.items()
        if not _LAX_OPERATOR.fullmatch(operator)
        for key, value in keys.items()
    )


def _are_narrow(values: Iterable[str]) -> bool:
    """Return whether no value of a condition lets strangers in, alone or with the others."""
    ranges: list[Any] = []  # of both versions, which collapse_addresses() does not take at once
    for value in values:
        try:
            ranges.append(ipaddress.ip_network(value, strict=False))
        except ValueError:
            if not _is_fixed(value):
                return False
    for version, prefix_length in _BROADEST.items():
        same = (each for each in ranges if each.version == version)
        merged = ipaddress.collapse_addresses(same)  # 0.0.0.0/1 and 128.0.0.0/1 are everybody
        if any(each.prefixlen < prefix_length for each in merged):
            return False
    return True


def _is_fixed(value: str) -> bool:
    """Return whether a value stands for certain principals or sources, not for any."""
    is_pattern = any(each in value for each in ("*", "?", "${"))
    is_arn = value.startswith("arn:")
    return not is_pattern or bool((_OF_AN_ACCOUNT if is_arn else _WITHIN).fullmatch(value))


_READ: Final = "s3:GetObject"
_SOURCES: Final = {"aws:sourcearn", "aws:sourceaccount"}
_COMPARISONS: Final = {"stringequals", "stringlike", "arnequals", "arnlike"}
_TLS: Final = "aws:securetransport"
_IDENTITY: Final = "CloudFront Origin Access Identity "


# The readers that a policy allows


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A reader that a statement allows; ``statement`` is its Sid or its number.

    ``is_named`` is whether the statement names only AWS principals, or distributions of
    the same account.
    """

    statement: str
    who: str
    is_named: bool


def service_statements(
    policy: Mapping[str, Any] | None, resource_arn: str, *, action: str = _READ
) -> list[Document]:
    """Return the statements that let the CloudFront service read an object, or do ``action``.

    Conditions are ignored here; :func:`admits` checks them.
    """
    return [
        each
        for each in statements(policy)
        if _allows(each, resource_arn, action) and SERVICE in _principals(each, "Service")
    ]


def admits(statement: Mapping[str, Any], distribution_arn: str) -> bool:
    """Return whether the conditions of a statement allow a distribution.

    Only the source is compared; other conditions count as fulfilled, and
    :func:`has_known_conditions` finds them.
    """
    account = distribution_arn.split(":")[4]
    wanted = {"aws:sourcearn": distribution_arn, "aws:sourceaccount": account}
    return all(
        any(fnmatchcase(wanted[key], pattern) for pattern in patterns)
        for key, patterns in _source_conditions(statement)
    )


def is_for_any_distribution(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement for the service names neither distribution nor account."""
    return not _source_conditions(statement)


def identity_statements(
    policy: Mapping[str, Any] | None, identity_id: str, object_arn: str
) -> list[Document]:
    """Return the statements that let an origin access identity read an object."""
    return [
        each
        for each in statements(policy)
        if _allows(each, object_arn, _READ) and _names_identity(each, identity_id)
    ]


def has_known_conditions(statement: Mapping[str, Any]) -> bool:
    """Return whether every condition of a statement is on the source, or that TLS is used."""
    tls = [each for each in _conditions(statement) if _is_about_tls(each, "true")]
    return len(_conditions(statement)) == len(_source_conditions(statement)) + len(tls)


def denials(policy: Mapping[str, Any] | None, objects: str, *, identity_id: str) -> list[Document]:
    """Return the Deny statements that may keep CloudFront from reading some objects.

    ``objects`` is an ARN with ``*``. What only denies requests without TLS is left out.
    """
    return [
        each
        for each in statements(policy)
        if each.get("Effect") == "Deny"
        and _covers_reading(each, objects)
        and _may_be_cloudfront(each, identity_id)
        and not any(_is_about_tls(one, "false") for one in _conditions(each))
    ]


def _is_about_tls(condition: tuple[str, str, list[str]], value: str) -> bool:
    """Return whether a condition is that a request uses TLS, or with "false" that it does not."""
    operator, key, values = condition
    return operator in ("bool", "boolifexists") and key == _TLS and values == [value]


def _may_be_cloudfront(statement: Mapping[str, Any], identity_id: str) -> bool:
    """Return whether the principals of a statement may include CloudFront, or its identity."""
    principal = statement.get("Principal")
    kinds = principal if isinstance(principal, Mapping) else {"AWS": principal}
    names = [name for each in kinds.values() for name in _listed(each)]
    return (
        "NotPrincipal" in statement
        or SERVICE in names
        or not all(map(_is_fixed, names))
        or bool(identity_id and _names_identity(statement, identity_id))
    )


def _names_identity(statement: Mapping[str, Any], identity_id: str) -> bool:
    return bool(_principals(statement, "CanonicalUser")) or any(
        _may_be_identity("AWS", each, identity_id) for each in _principals(statement, "AWS")
    )


def other_readers(
    policy: Mapping[str, Any] | None, objects: str, *, distribution_arn: str, identity_id: str
) -> list[Reader]:
    """Return the readers of some objects besides a distribution and its identity.

    ``objects`` is an ARN with ``*``. Statements for the public, and for any
    distribution of any account, are left out, since separate findings report them.
    Deny statements and the effect of conditions are ignored.
    """
    found = []
    for number, each in enumerate(statements(policy), 1):
        if each.get("Effect") != "Allow" or is_public(each) or not _covers_reading(each, objects):
            continue
        if others := list(_others(each, distribution_arn, identity_id)):
            found.append(
                Reader(
                    statement=each.get("Sid") or f"statement {number}",
                    who=" and ".join(who for who, _ in others),
                    is_named=all(is_named for _, is_named in others),
                )
            )
    return found


def _others(
    statement: Mapping[str, Any], distribution_arn: str, identity_id: str
) -> Iterator[tuple[str, bool]]:
    """Yield each principal that is not the distribution, and whether it is named."""
    principal = statement.get("Principal")
    kinds = principal if isinstance(principal, Mapping) else {"AWS": principal}
    for kind, names in kinds.items():
        for name in _listed(names):
            if (kind, name) == ("Service", SERVICE):
                yield from _other_distributions(statement, distribution_arn)
            elif not _is_fixed(name):
                keys = [key for each in statement["Condition"].values() for key in each]
                yield f"anyone who meets its condition ({', '.join(keys)})", False
            elif not identity_id or not _may_be_identity(kind, name, identity_id):
                yield name, kind in ("AWS", "CanonicalUser")


def _other_distributions(
    statement: Mapping[str, Any], distribution_arn: str
) -> Iterator[tuple[str, bool]]:
    sources = [set(values) for _, values in _source_conditions(statement)]
    if {distribution_arn} in sources:
        return  # all conditions must hold, and this one holds for this distribution only
    for each in sorted(set().union(*sources) - {distribution_arn}):
        yield f"CloudFront for {each}", distribution_arn.split(":")[4] in each.split(":")


def _may_be_identity(kind: str, name: str, identity_id: str) -> bool:
    # S3 also accepts the identity's canonical user, whose ID is not in the configuration.
    return kind == "CanonicalUser" or name.endswith(f"{_IDENTITY}{identity_id}")


def _covers_reading(statement: Mapping[str, Any], objects: str) -> bool:
    """Return whether a statement, an Allow or a Deny, may be about reading some of the objects."""
    actions, resources = _listed(statement.get("Action")), _listed(statement.get("Resource"))
    left_out = _listed(statement.get("NotAction"))
    return (
        not _names(left_out, _READ)
        and ("Action" not in statement or _names(actions, _READ))
        and ("Resource" not in statement or any(find_path([each, objects]) for each in resources))
    )


def _source_conditions(statement: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    return [
        (key, values)
        for operator, key, values in _conditions(statement)
        if operator in _COMPARISONS and key in _SOURCES
    ]


def _conditions(statement: Mapping[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Return operator, key and values of each condition; JSON's true and false as IAM writes them.

    IAM ignores the case of operators and keys.
    """
    return [
        (
            operator.lower(),
            key.lower(),
            _listed(str(value).lower() if isinstance(value, bool) else value),
        )
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, value in keys.items()
    ]


def _allows(statement: Mapping[str, Any], resource_arn: str, action: str) -> bool:
    return (
        statement.get("Effect") == "Allow"
        and _names(_listed(statement.get("Action")), action)
        and any(fnmatchcase(resource_arn, each) for each in _listed(statement.get("Resource")))
    )


def _names(patterns: Iterable[str], action: str) -> bool:
    return any(fnmatchcase(action.lower(), each.lower()) for each in patterns)


def _principals(statement: Mapping[str, Any], kind: str) -> list[str]:
    principal = statement.get("Principal")
    return _listed(principal.get(kind)) if isinstance(principal, Mapping) else []


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]


# Block Public Access (S3 User Guide)

#: All four switches; CloudFront's own access is not public and continues.
PUBLIC_ACCESS_BLOCK: Final[Mapping[str, bool]] = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def open_switches(block: Mapping[str, bool] | None) -> list[str]:
    """Return the switches that are not on."""
    return [name for name in PUBLIC_ACCESS_BLOCK if not (block or {}).get(name)]
