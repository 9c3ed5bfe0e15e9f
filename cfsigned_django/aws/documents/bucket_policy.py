"""Let CloudFront, and nobody else, read a bucket: the bucket policy.

Developer Guide: "Restrict access to an Amazon S3 origin"
(private-content-restricting-access-to-s3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cfsigned_django.aws.documents import Document

#: The service that reads the bucket where the origin has an origin access control.
SERVICE: Final = "cloudfront.amazonaws.com"
_VERSION: Final = "2012-10-17"
# Conditions that a request from just anywhere does not fulfil. S3 calls a
# statement public unless one of these names fixed values (S3 User Guide,
# "The meaning of public"); what is not in here counts as no restriction.
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
_NEGATIONS = ("not", "null")


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
    """Return the statement that lets an origin access identity read; the way before OAC."""
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
    """Return the statements of a policy; IAM also takes one that is not in a list."""
    found = (policy or {}).get("Statement", [])
    return [dict(found)] if isinstance(found, Mapping) else list(found)


def merge(policy: Mapping[str, Any] | None, statement: Mapping[str, Any]) -> Document:
    """Return the policy with the statement in it, once, and everything else as it was.

    A statement that says the same is left as it is, whatever its Sid; one that
    has the Sid and says something else is replaced, for the Sid is this code's.
    """
    merged: Document = dict(policy or {"Version": _VERSION})
    present = statements(policy)
    if holds(policy, statement):
        return merged
    others = [each for each in present if each.get("Sid") != statement["Sid"]]
    merged["Statement"] = [*others, dict(statement)]
    return merged


def holds(policy: Mapping[str, Any] | None, statement: Mapping[str, Any]) -> bool:
    """Tell whether a statement of the policy says the same, in whatever words."""
    return any(says_the_same(each, statement) for each in statements(policy))


def says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Compare two statements by what they mean.

    Whether a single value stands in a list, the order of a list, and the case
    of action names and condition keys make no difference in IAM; neither does
    the Sid.
    """
    return _meaning(one) == _meaning(other)


def public_statements(policy: Mapping[str, Any] | None) -> list[Document]:
    """Return the statements that let anybody in: ``Principal: *`` without a restriction."""
    return [each for each in statements(policy) if is_public(each)]


def is_public(statement: Mapping[str, Any]) -> bool:
    """Tell whether a statement allows something to everybody."""
    if not is_for_strangers(statement):
        return False
    return "NotPrincipal" in statement or not _is_restricted(statement.get("Condition") or {})


def is_for_strangers(statement: Mapping[str, Any]) -> bool:
    """Tell whether a statement allows something to who does not sign, under any condition."""
    if statement.get("Effect") != "Allow":
        return False
    if "NotPrincipal" in statement:
        return True
    principal = statement.get("Principal")
    values = principal.values() if isinstance(principal, Mapping) else [principal]
    return any("*" in _listed(each) for each in values)


def without_public(policy: Mapping[str, Any]) -> Document | None:
    """Return the policy without its public statements; None where none is left."""
    kept = [each for each in statements(policy) if not is_public(each)]
    return {**policy, "Statement": kept} if kept else None


def _is_restricted(condition: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a condition keeps out a request from just anywhere."""
    return any(
        key.lower() in _RESTRICTING_KEYS and not _is_open(_listed(value))
        for operator, keys in condition.items()
        # "...IfExists" and "...Not..." let in a request that lacks the key.
        if not operator.lower().endswith("ifexists")
        and not any(word in operator.lower() for word in _NEGATIONS)
        for key, value in keys.items()
    )


def _is_open(values: Iterable[str]) -> bool:
    return any(value in ("*", "0.0.0.0/0", "::/0") for value in values)


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]


def _meaning(statement: Mapping[str, Any]) -> dict[str, object]:
    said: dict[str, object] = {}
    for name, value in statement.items():
        if name == "Sid":
            continue
        if name in ("Principal", "NotPrincipal"):
            # "*" and {"AWS": "*"} both mean everybody.
            mapping = value if isinstance(value, Mapping) else {"AWS": value}
            said[name] = {kind: frozenset(_listed(each)) for kind, each in mapping.items()}
        elif name == "Condition":
            said[name] = {
                operator.lower(): {key.lower(): frozenset(_listed(v)) for key, v in keys.items()}
                for operator, keys in value.items()
            }
        elif name in ("Action", "NotAction"):
            said[name] = frozenset(each.lower() for each in _listed(value))
        elif name in ("Resource", "NotResource"):
            said[name] = frozenset(_listed(value))
        else:
            said[name] = value
    if not said.get("Condition", True):
        del said["Condition"]
    return said
