"""The parameters of the template: which option sets each, what it is for people, what is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of the template.

    ``option`` is that of cfsigned_setup; ``words`` is what the parameter is, for
    people; ``resource`` is what it changes, by its name in the template. Of a
    parameter that ``has_items``, each one counts: another domain takes the first
    one away. Of others, only an empty value takes something away.
    """

    name: str
    option: str
    words: str
    resource: str
    has_items: bool = False
    #: The value that stands for nothing.
    nothing: str = ""

    def items(self, value: str) -> set[str]:
        """Return what a value consists of."""
        return {*value.split(",")} - {self.nothing, ""}


BUCKET: Final = "BucketName"
MAKES_BUCKET: Final = "MakeBucket"
KEY_GROUP: Final = "KeyGroupId"
#: These three never change: another bucket or key group would end every URL that is out.
IDENTITY: Final = (BUCKET, MAKES_BUCKET, KEY_GROUP)
PARAMETERS: Final = (
    Parameter(
        name="Domain",
        option="--domain",
        words="domain",
        resource="Distribution",
        has_items=True,
    ),
    Parameter(
        name="CertificateArn",
        option="--certificate",
        words="certificate of the domain",
        resource="Distribution",
    ),
    Parameter(
        name="CorsOrigins",
        option="--cors-origin",
        words="origins whose pages read files",
        resource="ResponseHeadersPolicy",
        has_items=True,
    ),
    Parameter(
        name="UploadOrigins",
        option="--upload-origin",
        words="origins whose pages upload files",
        resource="Bucket",
        has_items=True,
    ),
    Parameter(
        name="UploadPrefix",
        option="--upload-prefix",
        words="folder of uploads, which expire after 7 days",
        resource="Bucket",
    ),
    Parameter(
        name="KmsKeyArn",
        option="--kms-key",
        words="KMS key that encrypts new files",
        resource="Bucket",
    ),
    Parameter(
        name="PublicPath",
        option="--public-path",
        words="paths that need no signature",
        resource="Distribution",
        has_items=True,
    ),
    Parameter(
        name="Csp",
        option="--csp",
        words="what stops scripts in files",
        resource="ResponseHeadersPolicy",
        nothing="off",
    ),
    Parameter(name="WebAclArn", option="--web-acl", words="web ACL", resource="Distribution"),
    Parameter(
        name="LogBucket",
        option="--log-bucket",
        words="bucket of the access logs",
        resource="Distribution",
    ),
)


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


def removals(given: Mapping[str, str], present: Mapping[str, str]) -> Iterator[str]:
    """Yield what the parameters of this run take away from a stack."""
    for each in PARAMETERS:
        before = each.items(present.get(each.name, ""))
        after = each.items(given.get(each.name, present.get(each.name, "")))
        gone = before - after if each.has_items or not after else set()
        if gone:
            yield f"{each.words}: {', '.join(sorted(gone))} ({each.option})"
