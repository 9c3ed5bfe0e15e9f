"""Judge the behaviors of a distribution: whether the storage's files need a signature; pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import (
    behaviors,
    is_open,
    is_within,
    matches,
    may_overlap,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.aws.documents.origin_places import Place, open_under_other_paths, places_of
from cfsigned_django.aws.stack import Distribution
from cfsigned_django.doctor.findings import Finding, Level
from cfsigned_django.doctor.kinds import finding
from cfsigned_django.doctor.target import Target


def serving_behavior(config: Document, path: str) -> Document:
    """Return the first behavior whose path pattern matches a path."""
    return next(each for each in behaviors(config) if matches(each["PathPattern"], path))


def judge_behavior(
    distribution: Distribution, behavior: Document, target: Target
) -> Iterator[Finding]:
    """Yield what is wrong with the behavior that serves the storage, and those before it."""
    config = distribution.config
    faults = [
        *_judge_restriction(config, behavior, target),
        *_judge_earlier(config, behavior, target),
        *_judge_origin_paths(config, behavior, target),
        *_judge_connection(config, behavior, target),
    ]
    yield from faults
    if all(each.level is Level.OK for each in faults):
        what = f"{_begin(_named(behavior))} serves {target.location} and asks for signatures."
        yield finding("behavior", what, subject=_named(behavior))


def _judge_restriction(config: Document, behavior: Document, target: Target) -> Iterator[Finding]:
    groups, signers, name = (
        trusted_key_groups(behavior),
        trusted_signers(behavior),
        _named(behavior),
    )
    if signers:
        who = ", ".join(signers)
        if groups:
            what = f"{_begin(name)} trusts AWS accounts ({who}) beside its key groups."
            yield finding("trusted-signers", what, subject=name)
        else:
            what = f"{_begin(name)} trusts AWS accounts ({who}), and no key group."
            yield finding("only-trusted-signers", what, subject=name)
            return
    if not groups:
        yield _open(config, behavior, target)
    elif target.key_group_id and target.key_group_id not in groups:
        what = f"{_begin(name)} trusts {', '.join(groups)}, not {target.key_group_id}."
        yield finding("group-not-on-behavior", what, subject=name)


def _open(config: Document, behavior: Document, target: Target) -> Finding:
    """Tell whether the behavior is open, or stands before the one that was closed."""
    name = _named(behavior)
    later = list(behaviors(config))
    later = later[[each["PathPattern"] for each in later].index(behavior["PathPattern"]) + 1 :]
    for each in later:
        if matches(each["PathPattern"], target.path) and not is_open(each):
            what = (
                f"{_begin(name)} is open and comes before {_named(each)}: it serves {target.path}."
            )
            return finding("earlier-behavior-open", what, subject=name)
    what = f"{_begin(name)} serves {target.path} and asks for no signature."
    return finding("behavior-open", what, subject=name)


def _judge_earlier(config: Document, behavior: Document, target: Target) -> Iterator[Finding]:
    """Yield the open behaviors that take a part of the storage's paths."""
    paths = f"{target.location}*"
    pattern = behavior["PathPattern"]
    homes = _homes(config, behavior, target)
    for each in takewhile(lambda each: each["PathPattern"] != pattern, behaviors(config)):
        reads_same = homes & {*places_of(config, each)}
        if not (is_open(each) and reads_same and may_overlap(each["PathPattern"], paths)):
            continue
        name = _named(each)
        if _is_folder(each["PathPattern"], target.location):
            what = f"{_begin(name)} is open: all that the bucket has there is public."
            yield finding("open-folder", what, subject=name)
        else:
            what = f"{_begin(name)} is open, comes before {_named(behavior)}, and takes files of "
            what += f"{target.location}."
            yield finding("earlier-behavior-open", what, subject=name)


def _judge_origin_paths(config: Document, behavior: Document, target: Target) -> Iterator[Finding]:
    """Yield the open behaviors that serve the storage's files under other paths."""
    homes, paths = _homes(config, behavior, target), f"{target.location}*"
    for each in open_under_other_paths(config, homes, paths):
        folders = " and ".join(place.folder or "/" for place in places_of(config, each))
        what = f"{_begin(_named(each))} is open, and reads the bucket from {folders} on: it serves "
        what += f"files of {target.location} under other paths."
        yield finding("origin-path-open", what, subject=_named(each))


def _homes(config: Document, behavior: Document, target: Target) -> set[Place]:
    """Return where the storage's files are: where it saves them, and where CloudFront looks."""
    saved = {Place(bucket=target.bucket)} if target.bucket else set()
    return saved | {*places_of(config, behavior)}


def _is_folder(pattern: str, location: str) -> bool:
    """Tell whether a pattern names a folder within the location, and not any file of it."""
    rest = f"/{pattern.removeprefix('/')}"
    if not is_within(rest, f"{location}*"):
        return False
    folder = rest.removeprefix(location).partition("*")[0].partition("?")[0]
    return "/" in folder


def _judge_connection(config: Document, behavior: Document, target: Target) -> Iterator[Finding]:
    if behavior.get("ViewerProtocolPolicy") == "allow-all" and not target.is_local:
        name = _named(behavior)
        yield finding("plain-http", f"{_begin(name)} serves plain HTTP.", subject=name)
    if config.get("IsIPV6Enabled"):
        kind = "ipv6-on" if target.uses_addresses else "ipv6-note"
        yield finding(kind, "IPv6 is on for the distribution.", subject="IPv6 of the distribution")


def _named(behavior: dict[str, Any]) -> str:
    pattern = behavior["PathPattern"]
    return "the default behavior" if pattern == "*" else f"the behavior {pattern}"


def _begin(text: str) -> str:
    """Return a text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]
