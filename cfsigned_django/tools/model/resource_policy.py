"""Evaluate the policy of a bucket or of a KMS key for one request: allowed, denied or unknown.

IAM User Guide: "Policy evaluation logic", and the pages of the elements Principal, NotPrincipal,
Action, Resource, Condition, "Condition operators", "Global condition context keys". A result that
AWS's pages do not decide is None, and the decision is unknown if it depends on it: a condition on a
key that the request is not known to have, a date or a number, a policy variable, a NotPrincipal in
a Deny, and a statement about some of the files. Nothing but the policy is evaluated:
docs/problems/findings.md names what else decides.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, TypeAlias

from cfsigned_django.tools.model.behaviors import find_path

Statement: TypeAlias = Mapping[str, Any]

#: The service that reads a bucket if its origin has an origin access control.
SERVICE: Final = "cloudfront.amazonaws.com"
READ: Final = "s3:GetObject"
DECRYPT: Final = "kms:Decrypt"
_EVERYONE: Final = ("AWS", "*")
_CLOUDFRONT: Final = ("Service", SERVICE)
_SOURCES: Final = {"aws:sourcearn", "aws:sourceaccount"}


class Decision(Enum):
    ALLOWED = auto()
    DENIED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to S3 or KMS.

    ``principals`` has all names of who asks; in a principal with the name None, the name is
    unknown. ``resource`` is an ARN, or with ``*`` those of several files. ``context`` has the
    condition keys of which the request is known to have a value, or, if it is None, to have none.
    """

    principals: tuple[tuple[str, str | None], ...]
    action: str
    resource: str
    context: Mapping[str, str | None]


def by_distribution(arn: str, resource: str, action: str = READ, *, uses_tls: bool) -> Request:
    """Return the request of a distribution through an origin access control.

    Keys: "Restrict access to an Amazon S3 origin", and "Global condition context keys" for what a
    service sends. Plain HTTP: "Require HTTPS for communication between CloudFront and your Amazon
    S3 origin"; S3 is asked by the protocol of the viewer.
    """
    context = {
        "aws:principalisawsservice": "true",
        "aws:principalservicename": SERVICE,
        "aws:sourceaccount": arn.split(":")[4],
        "aws:sourcearn": arn,
        **_tls(uses_tls),
    }
    return Request(principals=(_CLOUDFRONT,), action=action, resource=resource, context=context)


def by_identity(arn: str, resource: str, *, uses_tls: bool) -> Request:
    """Return the request of an origin access identity, whose canonical user is unknown.

    Only services send a source.
    """
    principals = (("AWS", arn), ("CanonicalUser", None))
    context = {**dict.fromkeys(_SOURCES), **_tls(uses_tls)}
    return Request(principals=principals, action=READ, resource=resource, context=context)


def by_anyone(resource: str) -> Request:
    """Return an unsigned request, which has none of the keys about who signed it."""
    absent = ("aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", *_SOURCES)
    context = dict.fromkeys(absent)
    return Request(principals=(), action=READ, resource=resource, context=context)


def _tls(uses_tls: bool) -> dict[str, str | None]:
    """Return the condition key if TLS is used for sure."""
    return {"aws:securetransport": "true"} if uses_tls else {}


def evaluate(
    policy: Mapping[str, Any] | None, request: Request
) -> tuple[Decision, list[Statement]]:
    """Return what a policy says to a request, and the statements that decide it.

    A Deny wins, and what nothing allows is denied; the statements are then those that would allow
    it if their conditions were met.
    """
    found = [
        (each, _all((_is_about(each, request), _is_met(each, request.context))))
        for each in statements(policy)
    ]

    def those(effect: str, result: bool | None) -> list[Statement]:
        return [each for each, applies in found if each["Effect"] == effect and applies is result]

    allowing, perhaps, doubtful = those("Allow", True), those("Allow", None), those("Deny", None)
    if refusing := those("Deny", True):
        return Decision.DENIED, refusing
    if not allowing and not perhaps:
        return Decision.DENIED, [each for each in those("Allow", False) if _is_about(each, request)]
    if allowing and not doubtful:
        return Decision.ALLOWED, allowing
    return Decision.UNKNOWN, doubtful if allowing else [*doubtful, *perhaps]


def statements(policy: Mapping[str, Any] | None) -> list[Statement]:
    """Return the statements of a policy; IAM also accepts one that is not in a list."""
    found = (policy or {}).get("Statement", [])
    return [found] if isinstance(found, Mapping) else list(found)


# One statement. A result is True, False, or None if it is unknown.


def _is_about(statement: Statement, request: Request) -> bool | None:
    """Return whether a statement is about a request, whatever its conditions are."""
    who = _has(statement, "Principal", lambda each: _is_by(each, request.principals))
    if statement["Effect"] == "Deny" and "NotPrincipal" in statement:
        who = None  # AWS compares the account, the role and its session in turn
    return _all((who, _covers(statement, request.action, request.resource)))


def _covers(statement: Statement, action: str, resource: str) -> bool | None:
    """Return whether the actions and resources of a statement include these."""
    does = _has(statement, "Action", lambda each: _matches(each.lower(), action.lower()))
    return _all((does, _is_on(statement, resource)))


def _is_on(statement: Statement, resource: str) -> bool | None:
    return _has(statement, "Resource", lambda each: _matches_arn(each, resource))


def _has(statement: Statement, element: str, is_meant: Callable[[Any], bool | None]) -> bool | None:
    """Return whether an element of a statement, or the opposite of its Not- form, has a value."""
    read = _principals if element == "Principal" else _listed
    if f"Not{element}" in statement:
        return _not(_any(map(is_meant, read(statement[f"Not{element}"]))))
    return _any(map(is_meant, read(statement.get(element))))


def _principals(element: Any) -> list[tuple[str, str]]:
    kinds = element if isinstance(element, Mapping) else {"AWS": element}
    return [(kind, name) for kind, names in kinds.items() for name in _listed(names)]


def _is_by(principal: tuple[str, str], principals: Iterable[tuple[str, str | None]]) -> bool | None:
    """Return whether a principal of a statement is the one that asks.

    There, ``*`` alone is everyone, services included; as a part of a name it is not allowed.
    """
    if principal == _EVERYONE or principal in principals:
        return True
    is_pattern = any(letter in "".join(principal) for letter in "*?$")
    return None if is_pattern or (principal[0], None) in principals else False


def _is_met(statement: Statement, context: Mapping[str, str | None]) -> bool | None:
    return _all(_holds(*each, context) for each in _conditions(statement))


def _holds(
    operator: str, key: str, values: list[str], context: Mapping[str, str | None]
) -> bool | None:
    """Return whether one key of one operator holds: any of its values, or with Not none of them."""
    if key not in context:
        return None
    found, (of_set, _, name) = context[key], operator.rpartition(":")
    if name == "null":
        return str(found is None).lower() in values
    name, if_exists, _ = name.partition("ifexists")
    positive = name.replace("not", "")
    if positive not in _COMPARISONS or of_set not in ("", "foranyvalue", "forallvalues"):
        return None
    if found is None:
        return bool(if_exists) or of_set == "forallvalues" or (not of_set and name != positive)
    matches = _any(None if "${" in each else _COMPARISONS[positive](each, found) for each in values)
    return matches if name == positive else _not(matches)


def _conditions(statement: Statement) -> list[tuple[str, str, list[str]]]:
    """Return operator, key and values of each condition; letter case counts in values only."""
    return [
        (operator.lower(), key.lower(), _listed(values))
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, values in keys.items()
    ]


def _matches(pattern: str, text: str) -> bool | None:
    """Return whether ``*`` (any characters) and ``?`` (one) match: None if a part of the text.

    A text with ``*`` is the texts that this may be.
    """
    if "${" in pattern:
        return None
    # "\0" stands for any characters, possibly none, which only a "*" surely matches.
    letters = {"*": ".*", "?": "[^\0]"}
    expression = "".join(letters.get(each, re.escape(each)) for each in pattern)
    if re.fullmatch(expression, text.replace("*", "\0"), re.DOTALL):
        return True
    return None if "*" in text and find_path([pattern, text]) else False


def _matches_arn(pattern: str, arn: str) -> bool | None:
    """Compare each of the six parts; an incomplete pattern is as if ``*`` were in the others."""
    parts = pattern.split(":", 5)
    parts += ["*"] * (6 - len(parts))
    return _all(map(_matches, parts, arn.split(":", 5)))


def _is_like_arn(value: str, found: str) -> bool | None:
    return _matches_arn(value, found) if min(value.count(":"), found.count(":")) >= 5 else None


_COMPARISONS: Final[Mapping[str, Callable[[str, str], bool | None]]] = {
    "arnequals": _is_like_arn,
    "arnlike": _is_like_arn,
    "bool": lambda value, found: value.lower() == found,
    "stringequals": lambda value, found: value == found,
    "stringequalsignorecase": lambda value, found: value.lower() == found.lower(),
    "stringlike": _matches,
}


def _listed(value: Any) -> list[str]:
    """Return one value or several; JSON's true and false as IAM writes them."""
    if value is None:
        return []
    values = value if isinstance(value, list | tuple) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]


def _all(results: Iterable[bool | None]) -> bool | None:
    found = {*results}
    return False if False in found else None if None in found else True


def _any(results: Iterable[bool | None]) -> bool | None:
    return _not(_all(map(_not, results)))


def _not(result: bool | None) -> bool | None:
    return None if result is None else not result


# What S3 calls public

# Condition keys that restrict access. S3 calls a statement public unless one of these has fixed
# values (S3 User Guide, "The meaning of public"). Other keys do not count as a restriction. Unlike
# S3, this module takes a pattern within one account, role or organization as a fixed value.
_RESTRICTING_KEYS: Final = frozenset(
    {
        *("aws:principalaccount", "aws:principalarn", "aws:principalorgid"),
        *("aws:principalorgpaths", "aws:userid", "aws:sourceaccount", "aws:sourcearn"),
        *("aws:sourceip", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce"),
        *("s3:dataaccesspointaccount", "s3:dataaccesspointarn"),
    }
)
# Operators that also allow a request that lacks the key.
_LAX_OPERATOR = re.compile(r"forallvalues:.*|.*(?:not|null).*|.*ifexists")
# An ARN without a pattern up to its account.
_OF_AN_ACCOUNT = re.compile(r"arn(?::[^:*?$]*){3}:[0-9]{12}:.*", re.DOTALL)
# A role or an organization, and something within it.
_WITHIN = re.compile(r"[^*?$:/]+[:/].*", re.DOTALL)
# Broader ranges of addresses are public (the same page), by their IP version.
_BROADEST: Final = {4: 8, 6: 32}


def public_statements(policy: Mapping[str, Any] | None, files: str) -> list[Statement]:
    """Return the public statements about some files, an ARN with ``*``, or about their bucket."""
    resources = (files, files.partition("/")[0])
    return [
        each
        for each in statements(policy)
        if is_public(each) and any(_is_on(each, one) is not False for one in resources)
    ]


def is_public(statement: Statement) -> bool:
    is_for_strangers = _has(statement, "Principal", lambda each: _is_by(each, ())) is not False
    return (
        statement["Effect"] == "Allow"
        and is_for_strangers
        and ("NotPrincipal" in statement or not _is_restricted(statement))
    )


def _is_restricted(statement: Statement) -> bool:
    """Return whether a condition limits where requests may come from."""
    return any(
        key in _RESTRICTING_KEYS and not _LAX_OPERATOR.fullmatch(operator) and _are_narrow(values)
        for operator, key, values in _conditions(statement)
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


# Who else may read

#: The request of a distribution of which no statement knows.
_ANY_DISTRIBUTION: Final = by_distribution(
    "arn:aws:cloudfront::000000000000:distribution/E0000000000000", "", uses_tls=False
)


def other_readers(
    policy: Mapping[str, Any] | None, files: str, *, distribution_arn: str, identity_arn: str
) -> list[tuple[str, str, bool]]:
    """Return the readers of some files besides a distribution and its identity.

    ``files`` is an ARN with ``*``. Of each statement, its Sid or number, its readers, and whether
    they are AWS principals by name, or distributions of the same account. Statements for the public
    are left out, since a separate finding reports them. Deny statements, and conditions but those
    on the source, are ignored.
    """
    found = []
    for number, each in enumerate(statements(policy), 1):
        if each["Effect"] != "Allow" or is_public(each) or _covers(each, READ, files) is False:
            continue
        if others := list(_others(each, distribution_arn, identity_arn)):
            who = " and ".join(who for who, _ in others)
            is_named = all(is_named for _, is_named in others)
            found.append((each.get("Sid") or f"statement {number}", who, is_named))
    return found


def _others(
    statement: Statement, distribution_arn: str, identity_arn: str
) -> Iterator[tuple[str, bool]]:
    """Yield each principal that is not the distribution, and whether it is named."""
    sources = [
        {each for each in values if "*" not in each or "stringequals" not in operator}
        for operator, key, values in _conditions(statement)
        if key in _SOURCES and not _LAX_OPERATOR.fullmatch(operator)
    ]
    if {distribution_arn} in sources:
        return  # all conditions must hold, and this one holds for this distribution only
    for kind, name in _principals(statement.get("Principal")):
        if (kind, name) == _CLOUDFRONT:
            if _is_met(statement, _ANY_DISTRIBUTION.context) is not False:
                yield "every distribution of every account", False
                continue
            for each in sorted(set().union(*sources) - {distribution_arn}):
                yield f"CloudFront for {each}", distribution_arn.split(":")[4] in each.split(":")
        elif not _is_fixed(name):
            keys = ", ".join(key for each in statement["Condition"].values() for key in each)
            yield f"anyone who meets its condition ({keys})", False
        # S3 also accepts the identity's canonical user, whose ID is not in the configuration.
        elif not identity_arn or (kind != "CanonicalUser" and name != identity_arn):
            yield name, kind in ("AWS", "CanonicalUser")
