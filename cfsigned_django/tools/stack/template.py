"""The template of the stack, and its parameters: which option sets each, and what it changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Final, NamedTuple

from cfsigned_django.tools.catalog import MANAGED_LOSSES


def read_template() -> str:
    """Return the template: YAML, with comments, of at most 51,200 bytes."""
    return (resources.files(__package__) / "template.yaml").read_text(encoding="utf-8")


class Parameter(NamedTuple):
    """One parameter of the template.

    ``option`` is that of cfsigned_setup; ``words`` is what the parameter is, for people;
    ``resource`` is what it changes, by its name in the template.
    """

    name: str
    option: str
    words: str
    resource: str


BUCKET: Final = "BucketName"
MAKES_BUCKET: Final = "MakeBucket"
KEY_GROUP: Final = "KeyGroupId"
WEB_ACL: Final = "WebAclArn"
MANAGED_POLICIES: Final = "ManagedPolicies"
#: What counts as off with them.
_OFF: Final = ("CorsOrigins", "Csp")
#: These three never change: another bucket or key group would end every URL that is out.
IDENTITY: Final = (BUCKET, MAKES_BUCKET, KEY_GROUP)
PARAMETERS: Final = (
    Parameter("Domain", "--domain", "domain", "Distribution"),
    Parameter("CertificateArn", "--certificate", "certificate of the domain", "Distribution"),
    Parameter("CorsOrigins", "--cors-origin", "pages that read files", "ResponseHeadersPolicy"),
    Parameter("UploadOrigins", "--upload-origin", "pages that upload files", "Bucket"),
    Parameter("UploadPrefix", "--upload-prefix", "folder of uploads that wait", "Bucket"),
    Parameter("KmsKeyArn", "--kms-key", "KMS key that encrypts new files", "Bucket"),
    Parameter("PublicPath", "--public-path", "paths that need no signature", "Distribution"),
    Parameter("Csp", "--csp", "what stops scripts in files", "ResponseHeadersPolicy"),
    Parameter(MANAGED_POLICIES, "--managed-policies", "policies that AWS manages", "Distribution"),
    Parameter(WEB_ACL, "--web-acl", "web ACL", "Distribution"),
    Parameter("LogBucket", "--log-bucket", "bucket of the access logs", "Distribution"),
)
#: The resources that can have tags.
_TAGGED: Final = ("Bucket", "Distribution")
#: Of these, each item counts: another domain takes the first one away. Of the others, only a value
#: that stands for nothing takes something away.
_LISTS: Final = {"Domain", "CorsOrigins", "UploadOrigins", "PublicPath"}
_NOTHING: Final = {"", "off"}


def useless_with_managed(given: Mapping[str, str]) -> list[str]:
    """Return the options of this run that have no effect with managed policies."""
    useful = [each for each in PARAMETERS if given.get(each.name, "") not in _NOTHING]
    return [each.option for each in useful if each.name in _OFF]


def as_sent(given: Mapping[str, str], present: Mapping[str, str]) -> list[dict[str, object]]:
    """Return the parameters of a change set.

    ``given`` are those of this run, ``present`` those of the stack; both by the names of the
    template. What is not given keeps its value. A parameter that the template of the stack did
    not have yet takes its default.
    """
    names = (*IDENTITY, *(each.name for each in PARAMETERS))
    sent: list[dict[str, object]] = [
        {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
    ]
    kept = [name for name in names if name in present and name not in given]
    return sent + [{"ParameterKey": name, "UsePreviousValue": True} for name in kept]


def changes(given: Mapping[str, str], present: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what becomes of each parameter that changes: the resource, and a sentence."""
    for each in PARAMETERS:
        before = present.get(each.name, "")
        after = given.get(each.name, before)
        if before != after:
            yield each.resource, f"{each.words}: {after or 'none'}, was {before or 'none'}"


def tag_changes(given: Mapping[str, str], present: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what becomes of each tag that changes: a resource that gets it, and a sentence."""
    for key, value in given.items():
        if present.get(key) != value:
            sentence = f"tag {key}: {value}, was {present.get(key, 'none')}"
            yield from ((resource, sentence) for resource in _TAGGED)


def removals(given: Mapping[str, str], present: Mapping[str, str]) -> Iterator[str]:
    """Yield what the parameters of this run take away from a stack."""
    if given.get(MANAGED_POLICIES) == "on" != present.get(MANAGED_POLICIES):
        given = {**given, **dict.fromkeys(_OFF, "off")}
        yield from (f"{each} (--managed-policies)" for each in MANAGED_LOSSES if present)
    for each in PARAMETERS:
        value = present.get(each.name, "")
        before = {*value.split(",")} - _NOTHING
        after = {*given.get(each.name, value).split(",")} - _NOTHING
        gone = before - after if each.name in _LISTS or not after else set()
        if gone:
            yield f"{each.words}: {', '.join(sorted(gone))} ({each.option})"
