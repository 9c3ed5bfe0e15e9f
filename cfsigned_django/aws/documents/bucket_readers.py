"""Tell whom a bucket policy lets read: CloudFront, whose CloudFront, and who else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import may_overlap
from cfsigned_django.aws.documents.bucket_policy import SERVICE, is_public, statements

_READ: Final = "s3:getobject"
_SOURCES: Final = {"aws:sourcearn", "aws:sourceaccount"}
_COMPARISONS: Final = {"stringequals", "stringlike", "arnequals", "arnlike"}
_IDENTITY: Final = "CloudFront Origin Access Identity "


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whom a statement lets read: ``statement`` is its Sid or its number.

    ``is_named`` says that it names AWS principals, or distributions of the
    same account, and nobody else.
    """

    statement: str
    who: str
    is_named: bool


def service_statements(policy: Mapping[str, Any] | None, object_arn: str) -> list[Document]:
    """Return the statements that let the service CloudFront read an object.

    Conditions are not looked at; :func:`admits` does.
    """
    return [
        each
        for each in statements(policy)
        if _allows_reading(each, object_arn) and SERVICE in _principals(each, "Service")
    ]


def admits(statement: Mapping[str, Any], distribution_arn: str) -> bool:
    """Tell whether the conditions of a statement let a distribution in.

    Only who asks is compared; other conditions count as fulfilled.
    """
    account = distribution_arn.split(":")[4]
    wanted = {"aws:sourcearn": distribution_arn, "aws:sourceaccount": account}
    return all(
        any(fnmatchcase(wanted[key], pattern) for pattern in patterns)
        for key, patterns in _source_conditions(statement)
    )


def is_for_any_distribution(statement: Mapping[str, Any]) -> bool:
    """Tell whether a statement for the service names neither distribution nor account."""
    return not _source_conditions(statement)


def admits_identity(policy: Mapping[str, Any] | None, identity_id: str, object_arn: str) -> bool:
    """Tell whether a policy lets an origin access identity read an object."""
    for statement in statements(policy):
        if _allows_reading(statement, object_arn):
            names = _principals(statement, "AWS")
            users = _principals(statement, "CanonicalUser")
            if users or any(_may_be_identity("AWS", each, identity_id) for each in names):
                return True
    return False


def other_readers(
    policy: Mapping[str, Any] | None, objects: str, *, distribution_arn: str, identity_id: str
) -> list[Reader]:
    """Return whom else than a distribution, and its identity, a policy lets read some objects.

    ``objects`` is an ARN with ``*``. Left out is what lets everybody in, and
    every distribution of everybody's: there are findings of their own for it.
    A statement that denies, and what a condition keeps out, is not looked at.
    """
    found = []
    for number, each in enumerate(statements(policy), 1):
        if is_public(each) or not _may_read(each, objects):
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
            elif name == "*":
                keys = [key for each in statement["Condition"].values() for key in each]
                yield f"whoever fulfils its condition ({', '.join(keys)})", False
            elif not identity_id or not _may_be_identity(kind, name, identity_id):
                yield name, kind in ("AWS", "CanonicalUser")


def _other_distributions(
    statement: Mapping[str, Any], distribution_arn: str
) -> Iterator[tuple[str, bool]]:
    sources = [set(values) for _, values in _source_conditions(statement)]
    if {distribution_arn} in sources:
        return  # every condition must be fulfilled, and this one is by nobody else
    for each in sorted(set().union(*sources) - {distribution_arn}):
        yield f"CloudFront for {each}", distribution_arn.split(":")[4] in each.split(":")


def _may_be_identity(kind: str, name: str, identity_id: str) -> bool:
    # S3 also takes the identity's canonical user, whose id is not in the configuration.
    return kind == "CanonicalUser" or name.endswith(f"{_IDENTITY}{identity_id}")


def _may_read(statement: Mapping[str, Any], objects: str) -> bool:
    """Tell whether a statement may allow reading some of the objects, in whatever words."""
    actions, resources = _listed(statement.get("Action")), _listed(statement.get("Resource"))
    left_out = _listed(statement.get("NotAction"))
    return (
        statement.get("Effect") == "Allow"
        and not any(fnmatchcase(_READ, each.lower()) for each in left_out)
        and ("Action" not in statement or any(fnmatchcase(_READ, a.lower()) for a in actions))
        and ("Resource" not in statement or any(may_overlap(r, objects) for r in resources))
    )


def _source_conditions(statement: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    return [
        (key.lower(), _listed(value))
        for operator, keys in (statement.get("Condition") or {}).items()
        if operator.lower() in _COMPARISONS
        for key, value in keys.items()
        if key.lower() in _SOURCES
    ]


def _allows_reading(statement: Mapping[str, Any], object_arn: str) -> bool:
    return (
        statement.get("Effect") == "Allow"
        and any(fnmatchcase(_READ, each.lower()) for each in _listed(statement.get("Action")))
        and any(fnmatchcase(object_arn, each) for each in _listed(statement.get("Resource")))
    )


def _principals(statement: Mapping[str, Any], kind: str) -> list[str]:
    principal = statement.get("Principal")
    return _listed(principal.get(kind)) if isinstance(principal, Mapping) else []


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
