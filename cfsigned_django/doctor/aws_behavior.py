"""Judge the behaviors of a distribution: whether the storage's files need a signature; pure."""

from __future__ import annotations

from collections.abc import Iterator

from cfsigned_django.aws.account import Bucket, Distribution
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import (
    behaviors,
    is_open,
    matches,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.doctor.aws_leaks import judge_leaks
from cfsigned_django.doctor.findings import Finding, Level
from cfsigned_django.doctor.kinds import finding
from cfsigned_django.doctor.target import Target
from cfsigned_django.doctor.words import begin, named


def serving_behavior(config: Document, path: str) -> Document:
    """Return the first behavior whose path pattern matches a path."""
    return next(each for each in behaviors(config) if matches(each["PathPattern"], path))


def judge_behavior(
    distribution: Distribution, behavior: Document, target: Target, bucket: Bucket | None
) -> Iterator[Finding]:
    """Yield what is wrong with the behavior that serves the storage, and with those beside it."""
    config = distribution.config
    faults = [
        *_judge_restriction(config, behavior, target),
        *judge_leaks(config, behavior, target, bucket),
        *_judge_connection(config, behavior, target),
    ]
    yield from faults
    if all(each.level is Level.OK for each in faults):
        what = f"{begin(named(behavior))} serves {target.location} and asks for signatures."
        yield finding("behavior", what, subject=named(behavior))


def _judge_restriction(config: Document, behavior: Document, target: Target) -> Iterator[Finding]:
    groups, signers, name = (
        trusted_key_groups(behavior),
        trusted_signers(behavior),
        named(behavior),
    )
    if signers:
        who = ", ".join(signers)
        if groups:
            what = f"{begin(name)} trusts AWS accounts ({who}) beside its key groups."
            yield finding("trusted-signers", what, subject=name)
        else:
            what = f"{begin(name)} trusts AWS accounts ({who}), and no key group."
            yield finding("only-trusted-signers", what, subject=name)
            return
    if not groups:
        yield _open(config, behavior, target)
    elif target.key_group_id and target.key_group_id not in groups:
        what = f"{begin(name)} trusts {', '.join(groups)}, not {target.key_group_id}."
        yield finding("group-not-on-behavior", what, subject=name)


def _open(config: Document, behavior: Document, target: Target) -> Finding:
    """Tell whether the behavior is open, or stands before the one that was closed."""
    name = named(behavior)
    later = list(behaviors(config))
    later = later[[each["PathPattern"] for each in later].index(behavior["PathPattern"]) + 1 :]
    for each in later:
        if matches(each["PathPattern"], target.path) and not is_open(each):
            what = f"{begin(name)} is open and comes before {named(each)}: it serves {target.path}."
            return finding("earlier-behavior-open", what, subject=name)
    what = f"{begin(name)} serves {target.path} and asks for no signature."
    return finding("behavior-open", what, subject=name)


def _judge_connection(config: Document, behavior: Document, target: Target) -> Iterator[Finding]:
    if behavior.get("ViewerProtocolPolicy") == "allow-all" and not target.is_local:
        name = named(behavior)
        yield finding("plain-http", f"{begin(name)} serves plain HTTP.", subject=name)
    if config.get("IsIPV6Enabled"):
        kind = "ipv6-on" if target.uses_addresses else "ipv6-note"
        yield finding(kind, "IPv6 is on for the distribution.", subject="IPv6 of the distribution")
