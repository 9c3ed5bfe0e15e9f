"""Tell whether a bucket policy lets CloudFront read an object, and whose CloudFront."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.bucket_policy import SERVICE, statements

_READ: Final = "s3:getobject"
_SOURCES: Final = {"aws:sourcearn", "aws:sourceaccount"}
_COMPARISONS: Final = {"stringequals", "stringlike", "arnequals", "arnlike"}
_IDENTITY: Final = "CloudFront Origin Access Identity "


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
            # S3 also takes the identity's canonical user, whose id is not in the configuration.
            is_named = any(each.endswith(f"{_IDENTITY}{identity_id}") for each in names)
            if is_named or _principals(statement, "CanonicalUser"):
                return True
    return False


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
