"""What is asked: each function is one question, and returns what was seen.

They are asked in this order: the second adds keys to the key group, the last rotates. ``fact`` is a
number of docs/explanation/checked-on-aws.md; ``expected`` is what this package takes for granted,
and ``depends`` what would have to change if AWS answers otherwise: ``module:name`` in the package,
or a page. A fact that AWS documents is asked about as well if the package rests on it.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.files.storage import storages

from acceptance import rows
from acceptance.site import APPLY, ORIGIN, CommandFailed
from acceptance.world import DONE, EC, LATER, RSA, SHA1, SHA256, World, encode, in_short
from cfsigned_django.core.aws.client import call, make_client
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import KeyGroups
from cfsigned_django.core.viewer import NoAnswer
from cfsigned_django.invalidation import items_of
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.reader import find_region, list_key_groups
from cfsigned_django.tools.edge.stack_policies import MANAGED
from cfsigned_django.tools.model import response_headers
from cfsigned_django.tools.stack import change_set, events
from cfsigned_django.tools.stack.existing import StackError
from cfsigned_django.tools.stack.template import BUCKET, KEY_GROUP, MAKES_BUCKET

FILE: Final = "/albums/42/a.txt"
OTHER: Final = "/albums/43/a.txt"
#: In order: what people have, then what URLs make hard.
NAMES: Final = (
    "첨부/회의록 1.txt",
    "it's (1).txt",
    "a+b.txt",
    "~tilde.txt",
    "star*.txt",
    "50%2A.txt",
    "semi;colon,comma&amp=.txt",
    "[brackets]{braces}.txt",
    "tab\tname.txt",
)
#: What the behavior beside the default opens to everybody, and a file there.
OPEN_PATTERN: Final = "static/*"
OPEN: Final = "/static/a.txt"
#: What the run adds to the distribution by hand: the header that has the tags of a file.
CACHE_TAGS: Final = {"HeaderName": "x-amz-meta-cache-tag"}
SERVED, DENIED, MISSING_KEY = "served", "403 AccessDenied", "403 MissingKey"
DENIED_BY_S3: Final = "403 AccessDenied of S3"
NOT_EMULATED: Final = "the emulator does not model this"
#: How long S3 may take to follow a changed bucket policy.
_POLICY_SECONDS: Final = 60.0
#: How long the package looks for what a list does not show yet, and how often it is looked here.
_LISTED: Final = 5.0
_LOOKS: Final = 3
#: The default of AWS_CLOUDFRONT_PROPAGATION_SECONDS: what a site waits before a new key signs.
_PROPAGATION: Final = 300
_MESSAGES: Final = {
    "MissingKey": "Missing Key-Pair-Id query parameter or cookie value",
    "InvalidKey": "Unknown Key",
    "AccessDenied": "Access denied",
    "MalformedPolicy": "Malformed Policy",
    "MalformedSignature": "Could not unencode Signature",
}
_PACKAGE: Final = Path(__file__).parent.parent / "cfsigned_django"


_FAILURES: Final = (
    CommandFailed,
    LookupError,
    NoAnswer,
    OSError,
    StackError,
    StopIteration,
    ValueError,
)


#: Returns what was seen; a measured value comes with whether it is as expected.
Ask: TypeAlias = Callable[[World], str | tuple[str, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question; the text above says what its fields are."""

    fact: str
    asks: str
    expected: str
    depends: tuple[str, ...]
    ask: Ask
    is_emulated: bool

    def seen(self, world: World) -> Seen:
        """Ask, and return what was seen; a failure is an answer."""
        if world.is_emulator and not self.is_emulated:
            return Seen(self, NOT_EMULATED, is_expected=True)
        try:
            answer = self.ask(world)
        except (AwsError, ClientError) as error:
            code = error.code if isinstance(error, AwsError) else error.response["Error"]["Code"]
            return Seen(self, f"could not ask: {code}", is_expected=False)
        except _FAILURES as error:
            return Seen(self, f"could not ask: {type(error).__name__}", is_expected=False)
        text, is_expected = (answer, answer == self.expected) if isinstance(answer, str) else answer
        return Seen(self, text, is_expected=is_expected)


@dataclass(frozen=True, slots=True)
class Seen:
    """A question with its answer."""

    question: Question
    answer: str
    is_expected: bool

    def as_dict(self) -> dict[str, Any]:
        """Return what a report shows."""
        return {
            "fact": self.question.fact,
            "asks": self.question.asks,
            "expected": self.question.expected,
            "answer": self.answer,
            "mark": "" if self.is_expected else "differs",
            "to_change": [place_of(each) for each in self.question.depends],
        }


def place_of(depends: str) -> str:
    """Return file, line and name of ``module:Class.name``; a page as it is."""
    module, _, names = depends.partition(":")
    if not names:
        return module
    path = _PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    text, at = path.read_text(encoding="utf-8"), 0
    for name in names.split("."):
        found = re.compile(rf"^ *(?:(?:def|class) {name}\b|{name}\b *[:=])", re.M).search(text, at)
        if found is None:
            raise LookupError(depends)
        at = found.end()
    line = text.count("\n", 0, at) + 1
    return f"{path.relative_to(_PACKAGE.parent)}:{line} ({names})"


QUESTIONS: Final[list[Question]] = []


def question(
    fact: str, expected: str, *depends: str, is_emulated: bool = True
) -> Callable[[Ask], Ask]:
    """Add the function to the questions: its docstring is what it asks."""

    def add(ask: Ask) -> Ask:
        QUESTIONS.append(
            Question(
                fact=fact,
                asks=ask.__doc__ or "",
                expected=expected,
                depends=depends,
                ask=ask,
                is_emulated=is_emulated,
            )
        )
        return ask

    return add


# 8, 9, 15: what the commands of the package made, and keys that join


@question("9.2", "none", "tools.doctor.examination:Examination")
def doctor(world: World) -> str:
    """Does cfsigned_doctor find a fault in what cfsigned_setup made?"""
    _code, findings = world.command("cfsigned_doctor")
    return ", ".join(each["id"] for each in findings if each["level"] == "error") or "none"


_NO_ROLE: Final = ("not asked: no role was named (ROLE)", True)


def _lacked(world: World) -> list[str]:
    """Return what the policies of the setup lacked since this was last asked."""
    found = [f"the setup lacks {each}" for each in world.denied]
    world.denied.clear()
    return found


def _may_more(world: World, limited: Callable[[str], AbstractContextManager[None]]) -> bool:
    """Return whether the role may do what no file allows: it would hide what they lack."""
    try:
        with limited("setup"):
            make_client("cloudfront").list_invalidations(DistributionId=world.distribution_id)
    except ClientError:
        return False
    return True


@question("15.5", "yes", "docs/reference/iam.md", is_emulated=False)
def printed_policies(world: World) -> str | tuple[str, bool]:
    """Do the IAM policies of the docs suffice to create the stack, and for the doctor?"""
    if world.limited is None:
        return _NO_ROLE
    if _may_more(world, world.limited):
        return "could not ask: the role may do more than the policies of the docs", False
    _code, findings = world.command("cfsigned_doctor", job="doctor")
    lacks = _lacked(world)
    if any(each["id"] == "aws-unreadable" for each in findings):
        lacks.append("the doctor cannot read all")
    return "; ".join(lacks) or "yes"


@question("15.6", "yes", "tools.stack.existing:find_stack", is_emulated=False)
def stack_of_a_distribution(world: World) -> str | tuple[str, bool]:
    """Does the doctor's policy, which names the stack, let it find that by the distribution?"""
    if world.limited is None:
        return _NO_ROLE
    region = world.clients.cloudformation.meta.region_name
    with world.limited("doctor"):
        client = make_client("cloudformation", region_name=region)
        found = client.describe_stack_resources(PhysicalResourceId=world.distribution_id)
    names = {each["StackName"] for each in found["StackResources"]}
    return "yes" if names == {world.stack} else "another stack"


@question(
    "15.1",
    f"a public key: at most {_LISTED:.0f} s, a key group: at most {_LISTED:.0f} s",
    "core.aws.key_groups:KeyGroups._find_existing",
    "tools.stack.key_group:make_key_group",
)
def late_lists(world: World) -> tuple[str, bool]:
    """How long does a list not show what was just created? The longest of several looks."""
    looks = [_late_lists(world, f"acceptance-{world.run}-list-{each}") for each in range(_LOOKS)]
    took: dict[str, float | None] = {}
    for name, *each in zip(("a public key", "a key group"), *looks, strict=True):
        took[name] = None if None in each else max(filter(None, each), default=0.0)
    seen = ", ".join(f"{name}: {each} s" for name, each in took.items())
    return seen, all(each is not None and each <= _LISTED for each in took.values())


def _late_lists(world: World, name: str) -> tuple[float | None, float | None]:
    """Return how long a list did not show a new public key, and one a new key group."""
    cloudfront = world.clients.cloudfront
    pem = PrivateKey.generate().public_key.to_pem()
    config: dict[str, Any]
    config = {"CallerReference": str(uuid.uuid4()), "Name": name, "EncodedKey": pem}
    key = cloudfront.create_public_key(PublicKeyConfig=config)
    key_took = world.seconds_until(
        lambda: any(each.name == name for each in KeyGroups(cloudfront).public_keys())
    )
    config = {"Name": name, "Items": [key["PublicKey"]["Id"]]}
    group = cloudfront.create_key_group(KeyGroupConfig=config)
    group_took = world.seconds_until(
        lambda: any(each.name == name for each in list_key_groups(cloudfront))
    )
    cloudfront.delete_key_group(Id=group["KeyGroup"]["Id"], IfMatch=group["ETag"])
    cloudfront.delete_public_key(Id=key["PublicKey"]["Id"], IfMatch=key["ETag"])
    return key_took, group_took


def _of_20(world: World, *keys: str) -> str:
    said = Counter(world.said(world.link(FILE, key=keys[each % len(keys)])) for each in range(20))
    return ", ".join(f"{count} x {each}" for each, count in said.items())


def _measured(world: World, took: float | None, then: str, expected: str) -> tuple[str, bool]:
    if took is None:
        return f"longer than {world.pace.patience:.0f} s here", False
    return f"{took} s here, then {then}", took <= _PROPAGATION and then == expected


@question(
    "8.4", f"at most {_PROPAGATION} s here, then 20 x served", "core.conf:Site.PROPAGATION_SECONDS"
)
def key_joins(world: World) -> tuple[str, bool]:
    """How long is InvalidKey the answer here, at one edge, after a key has joined the group?"""
    for name in (EC, RSA):
        KeyGroups(world.clients.cloudfront).add(world.key_group_id, world.keys[name][0])
    took = world.seconds_until(
        lambda: all(
            world.said(world.link(FILE, key=each)) != "403 InvalidKey" for each in (EC, RSA)
        )
    )
    return _measured(world, took, _of_20(world, EC, RSA), "20 x served")


# 1: bytes of a policy, parameters


@question("1.4", SERVED, "signing.encoding:split_query")
def parameters_in_another_order(world: World) -> str:
    """Is a signed URL served whose parameters are in another order?"""
    address, _, query = world.link(FILE).partition("?")
    return world.said(f"{address}?{'&'.join(reversed(query.split('&')))}")


@question("1.4", SERVED, "signing.verifier:_find_credentials")
def encoded_tilde(world: World) -> str:
    """Is a signed URL served whose `~` was sent as `%7E`?"""
    found = next(url for _ in range(200) if "~" in (url := world.link(FILE, key=RSA)))
    return world.said(found.replace("~", "%7E"))


# 16: the rows that others can be asked, too


@question("17", "none", "tests/vectors/README.md")
def rows_of_the_vectors(world: World) -> str:
    """Which rows of tests/vectors have another answer?"""
    asked = rows.askable()
    world.rows.update({row.id: rows.ask(world, row) for row in asked})
    others = [row for row in asked if not rows.is_expected(row, world.rows[row.id])]
    return (
        ", ".join(f"{row.id} ({row.fields['status']}): {world.rows[row.id]}" for row in others)
        or "none"
    )


# 2: algorithms


def _all_algorithms(ask: Callable[[str, str], str]) -> str:
    found = {f"{key} {digest}": ask(key, digest) for key in (RSA, EC) for digest in (SHA1, SHA256)}
    return ", ".join(f"{name}: {said}" for name, said in found.items())


@question(
    "2.5",
    "RSA SHA1: served, RSA SHA256: served, P-256 SHA1: served, P-256 SHA256: served",
    "signing.signer:Signer.__init__",
)
def algorithms_in_urls(world: World) -> str:
    """Which keys and hashes are accepted in URLs?"""
    return _all_algorithms(lambda key, digest: world.said(world.link(FILE, key=key, digest=digest)))


@question(
    "2.5",
    "RSA SHA1: served, RSA SHA256: served, P-256 SHA1: served, P-256 SHA256: served",
    "signing.signer:Signer.sign_cookies",
)
def algorithms_in_cookies(world: World) -> str:
    """Which keys and hashes are accepted in cookies?"""

    def ask(key: str, digest: str) -> str:
        cookies = world.cookies(world.custom("/albums/*"), key=key, digest=digest)
        return world.said(f"https://{world.domain}{FILE}", Cookie=cookies)

    return _all_algorithms(ask)


@question("2.2", DENIED, "signing.signer:Signer.__init__")
def no_hash_algorithm(world: World) -> str:
    """What is said of a SHA-256 signature without Hash-Algorithm?"""
    return world.said(world.link(FILE).replace("&Hash-Algorithm=SHA256", ""))


@question("2.2", DENIED, "signing.verifier:_find_hash_algorithm")
def hash_algorithm_in_lower_case(world: World) -> str:
    """What is said of Hash-Algorithm=sha256, in lower case?"""
    return world.said(world.link(FILE, marker="sha256"))


@question("2.2", DENIED, "signing.verifier:_find_hash_algorithm")
def unknown_hash_algorithm(world: World) -> str:
    """What is said of Hash-Algorithm=SHA512?"""
    return world.said(world.link(FILE, marker="SHA512"))


# 3: resources and names


@question("3.4", "all served", "signing.encoding:encode_name")
def difficult_names(world: World) -> str:
    """Are files with difficult names served, by the URLs of the storage?"""
    storage = storages["default"]
    found = {name: world.said(storage.url(name)) for name in NAMES}
    wrong = {name: said for name, said in found.items() if said != SERVED}
    return ", ".join(f"{name!r}: {said}" for name, said in wrong.items()) or "all served"


@question("3.4", "all served", "signing.encoding:encode_name", is_emulated=False)
def names_as_they_are(world: World) -> str:
    """Are `(`, `'`, `+`, `~` and `*` served if sent and signed without encoding?"""
    names = ("it's (1).txt", "a+b.txt", "~tilde.txt", "star*.txt")
    paths = ["/" + quote(name, safe="()'+~*") for name in names]
    wrong = [
        f"{path}: {said}" for path in paths if (said := world.said(world.link(path))) != SERVED
    ]
    return ", ".join(wrong) or "all served"


@question("3.4", SERVED, "signing.resource:NEVER_SENT")
def query_as_browsers_send_it(world: World) -> str:
    """Is a query served with `|`, `{`, `}`, `^` and a backtick, sent and signed as they are?"""
    return world.said(world.link(f"{FILE}?v=|{{}}^`"))


def _of_all(world: World, path: str) -> str:
    return world.link(path, policy=world.custom("/*"))


@question("3.3", DENIED, "signing.resource:compile_resource")
def encoded_star_for_a_star(world: World) -> str:
    """Is `/star%2A.txt` served with a signature of `/star*.txt`, canned?"""
    return world.said(world.link("/star%2A.txt", resource="/star*.txt"))


@question("3.3", DENIED, "signing.resource:compile_resource")
def encoded_quote_for_a_quote(world: World) -> str:
    """Is `/it%27s...` served with a signature of `/it's...`, canned?"""
    return world.said(world.link("/it%27s%20%281%29.txt", resource="/it's%20(1).txt"))


@question("3.3", DENIED, "signing.resource:compile_resource")
def escapes_in_lower_case(world: World) -> str:
    """Does a signature of `/%ed%95...` in lower case open `/%ED%95...`?"""
    path = f"/{quote(NAMES[0])}"
    return world.said(world.link(path, resource=path.lower()))


@question("11.2", DENIED, "signing.resource:compile_resource")
def case_of_a_path(world: World) -> str:
    """Does a policy for `/ALBUMS/*` open `/albums/...`?"""
    return world.said(world.link(FILE, policy=world.custom("/ALBUMS/*")))


@question("3.3", DENIED_BY_S3, "tools.edge.behavior:_normalize", is_emulated=False)
def two_slashes(world: World) -> str:
    """Is `//double.txt` served with its own signature?"""
    return world.said(world.link("//double.txt"))


@question("3.3", DENIED, "signing.policy:Policy.matches")
def dots_out_of_a_folder(world: World) -> str:
    """Does a policy for `/albums/43/*` open `/albums/43/../42/a.txt`?"""
    return world.said(world.link("/albums/43/../42/a.txt", policy=world.custom("/albums/43/*")))


@question("3.3", DENIED, "signing.policy:Policy.matches")
def encoded_dots_out_of_a_folder(world: World) -> str:
    """Does a policy for `/albums/43/*` open `/albums/43/%2e%2e/42/a.txt`?"""
    path = "/albums/43/%2e%2e/42/a.txt"
    return world.said(world.link(path, policy=world.custom("/albums/43/*")))


@question("3.2", SERVED, "signing.resource:compile_resource", "docs/reference/url.md")
def star_over_folders(world: World) -> str:
    """Does `*` in a policy cover further folders: `/alb*` for `/albums/42/a.txt`?"""
    return world.said(world.link(FILE, policy=world.custom("/alb*")))


@question("3.2", SERVED, "signing.resource:_sections")
def star_over_a_query(world: World) -> str:
    """Does `*` at the end of a policy cover a query?"""
    return world.said(world.link(f"{FILE}?v=1", policy=world.custom("/albums/*")))


@question("3.1", DENIED, "signing.signer:_choose_policy")
def star_in_a_canned_policy(world: World) -> str:
    """Does a canned signature of `/albums/*` open a file?"""
    return world.said(world.link(FILE, resource="/albums/*"))


@question("11.3", DENIED, "signing.resource:_sections")
def question_mark_in_a_policy(world: World) -> str:
    """Is `?` in the path of a policy one character: `/albums/42/?.txt` for `a.txt`?"""
    return world.said(world.link(FILE, policy=world.custom("/albums/42/?.txt")))


@question("11.3", SERVED, "signing.policy:_ESCAPED_QUESTION_MARK")
def backslash_in_a_policy(world: World) -> str:
    """Is `\\?` in a policy the `?` that begins the query, as AWS's page ordered until 2023?"""
    policy = world.custom(f"{FILE}?v=1").replace("?", "\\?")
    return world.said(world.link(f"{FILE}?v=1", policy=policy))


@question("11.3", SERVED, "signing.policy:_ESCAPED_QUESTION_MARK")
def backslash_in_json(world: World) -> str:
    """Is it so if the backslash is written as JSON orders, `\\\\?`?"""
    policy = world.custom(f"{FILE}?v=1").replace("?", "\\\\?")
    return world.said(world.link(f"{FILE}?v=1", policy=policy))


@question("11.3", SERVED, "signing.resource:_sections", "storage.urls:SignedUrlMixin.url")
def download_for_an_address(world: World) -> str:
    """Does url(ip_address=, download=) open, whose policy has the `?` of the query?"""
    storage: Any = storages["default"]
    return world.said(storage.url(FILE.strip("/"), ip_address="0.0.0.0/0", download="a.txt"))


@question("3.5", MISSING_KEY, "tools.edge.behavior:select_behavior", is_emulated=False)
def encoded_slash_for_a_behavior(world: World) -> str:
    """Is `/static%2Fa.txt`, unsigned, refused, if `static/*` is open and all else restricted?"""
    return world.said(f"https://{world.domain}{OPEN[:7]}{quote(OPEN[7:], safe='')}")


@question("3.5", SERVED, "tools.edge.behavior:_decode_unreserved", is_emulated=False)
def encoded_letter_for_a_behavior(world: World) -> str:
    """Is `/%73tatic/a.txt`, unsigned, served, if `static/*` is open?"""
    return world.said(f"https://{world.domain}{OPEN.replace('/s', '/%73', 1)}")


# 4: conditions


@question("11.12", SERVED, "signing.policy:LATEST_TIME_SENT", "signing.policy:MAX_EPOCH_TIME")
def after_2038(world: World) -> str:
    """What is said of a URL that ends after 19 January 2038, beyond 31 bits?"""
    return world.said(world.link(FILE, until=2**31))


@question("11.12", SERVED, "signing.policy:LATEST_TIME_SENT", "signing.policy:MAX_EPOCH_TIME")
def far_future(world: World) -> str:
    """What is said of a URL that ends in 2262, beyond 32 bits?"""
    return world.said(world.link(FILE, until=9_223_372_036))


@question("11.12", "403 MalformedPolicy", "signing.policy:LATEST_TIME_SENT")
def further_future(world: World) -> str:
    """What is said of one that ends a second later, after the date of AWS's page?"""
    return world.said(world.link(FILE, until=9_223_372_037))


@question("11.15", DENIED, "signing.policy:Policy.as_sent")
def starts_at_its_end(world: World) -> str:
    """What is said of a policy that starts at its end?"""
    until = int(time.time()) + 600
    later = {"AWS:EpochTime": until}
    return world.said(world.link(FILE, policy=world.custom(FILE, until, DateGreaterThan=later)))


@question("4", "403 MalformedPolicy", "signing.policy:_read_condition")
def time_as_text(world: World) -> str:
    """What is said of a time in quotation marks?"""
    until = int(time.time()) + 600
    policy = world.custom(FILE, until).replace(str(until), f'"{until}"')
    return world.said(world.link(FILE, policy=policy))


@question("1.2", "403 MalformedPolicy", "signing.policy:_read_document")
def version_in_a_policy(world: World) -> str:
    """What is said of a policy with a Version, as policies of IAM have it?"""
    policy = world.custom(FILE).replace("{", '{"Version":"2012-10-17",', 1)
    return world.said(world.link(FILE, policy=policy))


@question("1.3", "403 MalformedSignature", "signing.encoding:decode_base64")
def signature_without_padding(world: World) -> str:
    """What is said of a signature whose last `__`, the padding, was lost?"""
    return world.said(world.link(FILE, key=RSA).replace("__&", "&"))


@question("4", "403 MalformedPolicy", "signing.policy:LATEST_TIME_SENT")
def milliseconds(world: World) -> str:
    """What is said of a time in milliseconds?"""
    return world.said(world.link(FILE, until=int(time.time() + 60) * 1000))


@question("11.11", SERVED, "signing.policy:Policy.to_json", "docs/reference/url.md")
def long_policy(world: World) -> str:
    """Is a policy of 3,000 bytes accepted?"""
    policy = world.custom("/albums/*")
    return world.said(world.link(FILE, policy=policy[:-1] + " " * (3000 - len(policy)) + "}"))


# 5: parameters of a signed URL


@question("11.14", SERVED, "signing.verifier:_find_policy")
def expires_beside_policy(world: World) -> str:
    """Is a URL served that has both Expires and Policy?"""
    return world.said(world.link(FILE, policy=world.custom(FILE)) + "&Expires=2000000000")


@question("11.14", SERVED, "signing.verifier:_find_policy")
def expires_beside_policy_in_cookies(world: World) -> str:
    """Do cookies open a file that have both CloudFront-Expires and CloudFront-Policy?"""
    cookies = world.cookies(world.custom(FILE)) + "; CloudFront-Expires=2000000000"
    return world.said(f"https://{world.domain}{FILE}", Cookie=cookies)


@question("11.13", DENIED, "signing.verifier:_find_credentials")
def parameter_twice(world: World) -> str:
    """What is said of a parameter that appears twice, the right one first?"""
    return world.said(world.link(FILE) + "&Expires=2000000000")


@question("11.16", "413", "tools.edge.requests:MAX_REQUEST_LENGTH", "docs/how-to/deploy.md")
def too_many_cookies(world: World) -> str:
    """What is said of a request line and headers of more than 20,480 bytes?"""
    return str(world.get(world.link(FILE), Cookie=f"a={'b' * 20_480}").status)


@question("3.3", DENIED, "tools.doctor.live:_examine_signed")
def parameter_added(world: World) -> str:
    """What is said if a parameter is added to a signed URL?"""
    return world.said(world.link(FILE) + "&v=1")


# 6: refusals. Each 403 that differs in its code or in what was wrong


def _refusal(code: str) -> str:
    """Return what is expected of a refusal: status, some headers, and the whole body."""
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code>'
        f"<Message>{_MESSAGES[code]}</Message></Error>"
    )
    return f"403, CloudFront, Error from cloudfront, text/xml, `{body}`"


def _refused(world: World, url: str, code: str) -> tuple[str, bool]:
    """Return a refusal, with the names of its other headers, and whether it is of this code."""
    answer = world.get(url)
    known = ("server", "x-cache", "content-type")
    fields = ", ".join(answer.headers.get(name, f"no {name}") for name in known)
    body = answer.body.decode(errors="replace")[:300].replace("\n", "\\n")
    others = ", ".join(sorted({*answer.headers} - {*known}))
    seen = f"{answer.status}, {fields}, `{body}`"
    return f"{seen}; further headers: {others}", seen == _refusal(code)


@question(
    "6",
    _refusal("MissingKey"),
    "signing.verifier:_MESSAGES",
    "core.viewer:Answer.came_through_cloudfront",
)
def unsigned(world: World) -> tuple[str, bool]:
    """How is a request without a signature refused?"""
    return _refused(world, f"https://{world.domain}{FILE}", "MissingKey")


@question("6", _refusal("InvalidKey"), "rotation.probe:_compare")
def unknown_key(world: World) -> tuple[str, bool]:
    """How is an unknown key refused?"""
    return _refused(world, world.link(FILE, key_id="K00000000000AB"), "InvalidKey")


@question("6", _refusal("AccessDenied"), "tools.doctor.live:check_refused")
def expired(world: World) -> tuple[str, bool]:
    """How is an expired URL refused?"""
    return _refused(world, world.link(FILE, until=int(time.time()) - 60), "AccessDenied")


@question("6", _refusal("AccessDenied"), "tools.doctor.live:check_refused")
def signature_of_another_file(world: World) -> tuple[str, bool]:
    """How is a signature of another file refused?"""
    return _refused(world, world.link(FILE, resource=OTHER), "AccessDenied")


@question("6", _refusal("AccessDenied"), "signing.policy:Policy.why_not")
def too_early(world: World) -> tuple[str, bool]:
    """How is a URL refused before its DateGreaterThan?"""
    later = {"AWS:EpochTime": int(time.time()) + 300}
    policy = world.custom(FILE, DateGreaterThan=later)
    return _refused(world, world.link(FILE, policy=policy), "AccessDenied")


@question("6", _refusal("AccessDenied"), "signing.policy:Policy.why_not")
def other_address(world: World) -> tuple[str, bool]:
    """How is a viewer outside IpAddress refused?"""
    policy = world.custom(FILE, IpAddress={"AWS:SourceIp": "192.0.2.0/24"})
    return _refused(world, world.link(FILE, policy=policy), "AccessDenied")


@question("6", _refusal("MalformedPolicy"), "signing.policy:Policy.from_json")
def statement_is_no_list(world: World) -> tuple[str, bool]:
    """How is a policy refused whose Statement is an object, not a list?"""
    policy = world.custom(FILE).replace("[", "").replace("]", "")
    return _refused(world, world.link(FILE, policy=policy), "MalformedPolicy")


@question("6", _refusal("MalformedSignature"), "signing.verifier:_decode_signature")
def signature_is_no_base64(world: World) -> tuple[str, bool]:
    """How is a signature refused whose text is not base64?"""
    return _refused(world, world.link(FILE, signature="!!!"), "MalformedSignature")


@question("6", _refusal("AccessDenied"), "signing.verifier:Verifier.verify")
def signature_is_too_short(world: World) -> tuple[str, bool]:
    """How is a signature refused that is too short?"""
    return _refused(world, world.link(FILE, signature=encode(b"short!")), "AccessDenied")


@question("11.4", _refusal("AccessDenied"), "signing.verifier:_decode_signature")
def no_signature(world: World) -> tuple[str, bool]:
    """How is a URL without Signature refused?"""
    query = f"Expires={int(time.time()) + 60}&Key-Pair-Id={world.keys[EC][0]}"
    return _refused(world, world.url(FILE, query), "AccessDenied")


@question("11.4", _refusal("AccessDenied"), "signing.verifier:_find_policy")
def no_expiry(world: World) -> tuple[str, bool]:
    """How is a URL without Expires and Policy refused?"""
    return _refused(world, world.url(FILE, world.query("text")), "AccessDenied")


@question("6", DENIED_BY_S3, "core.viewer:Answer.responder", is_emulated=False)
def missing_file(world: World) -> str:
    """Who refuses a signed URL of a file that does not exist?"""
    return world.said(world.link("/missing.txt"))


# 7: cookies


def _with(world: World, cookies: str, query: str = "") -> str:
    return world.said(f"https://{world.domain}{FILE}{query}", Cookie=cookies)


@question("7", DENIED, "signing.verifier:_find_credentials", "docs/how-to/signed-cookies.md")
def good_cookies_bad_url(world: World) -> str:
    """Do good cookies help a signed URL that is bad?"""
    bad = world.link(FILE, resource=OTHER)
    return world.said(bad, Cookie=world.cookies(world.custom("/albums/*")))


@question("7", MISSING_KEY, "signing.verifier:_find_credentials")
def good_cookies_reserved_parameter(world: World) -> str:
    """Are good cookies looked at if the URL has another parameter, `?Expires=9`?"""
    return _with(world, world.cookies(world.custom("/albums/*")), "?Expires=9")


@question("7", "/albums/42/: served; /albums/43/: served", "cookies.place:CookiePlace.overlaps")
def cookies_of_two_folders(world: World) -> str:
    """Two sets of cookies, Path=/albums/42/ and Path=/albums/43/: does each open its folder?"""
    sets = {
        each: world.cookies(world.custom(f"{each}*")) for each in ("/albums/42/", "/albums/43/")
    }
    said = {each: world.with_cookies(f"{each}a.txt", sets) for each in sets}
    return "; ".join(f"{each}: {text}" for each, text in said.items())


@question(
    "7",
    "the longer, if only it opens: served; the shorter: 403 AccessDenied",
    "tools.edge.local_distribution:Distribution._verify",
    is_emulated=False,
)
def cookies_of_a_folder_within(world: World) -> str:
    """Path=/albums/42/ and Path=/albums/ are both sent, the longer first: which one counts?"""
    good, other = (world.cookies(world.custom(f"/albums/{each}/*")) for each in (42, 43))
    inner = world.with_cookies(FILE, {"/albums/42/": good, "/albums/": other})
    outer = world.with_cookies(FILE, {"/albums/42/": other, "/albums/": good})
    return f"the longer, if only it opens: {inner}; the shorter: {outer}"


@question("7", "403 MalformedPolicy", "signing.verifier:_check_resource_of_cookies")
def any_protocol_in_cookies(world: World) -> str:
    """What is said of cookies whose policy begins with `*://`?"""
    return _with(world, world.cookies(world.custom(FILE).replace("https://", "*://")))


@question("7", "served; 403 AccessDenied", "signing.signer:Signer.sign_cookies")
def canned_cookies(world: World) -> str:
    """Do cookies with a canned policy open their one file, and no other?"""
    until = int(time.time()) + 600
    query = world.query(world.canned(FILE, until))
    cookies = "; ".join(f"CloudFront-{each}" for each in (f"Expires={until}", *query.split("&")))
    other = world.said(f"https://{world.domain}{OTHER}", Cookie=cookies)
    return f"{_with(world, cookies)}; {other}"


# 8: keys, key groups and how long a change takes


@question("8.2", "NoSuchPublicKey", "rotation.cloudfront:restore_to_group", is_emulated=False)
def group_of_an_unknown_key(world: World) -> str:
    """How is a key group refused that names an unknown public key?"""
    config = {"Name": f"acceptance-{world.run}-unknown", "Items": ["K00000000000AB"]}
    try:
        world.clients.cloudfront.create_key_group(KeyGroupConfig=config)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "accepted"


@question("11.8", "InvalidArgument", "signing.keys:PublicKey.load", is_emulated=False)
def long_rsa_key(world: World) -> str:
    """Is a public key of RSA 4096 accepted?"""
    key = rsa.generate_private_key(public_exponent=65537, key_size=4096).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    reference = str(uuid.uuid4())
    name = f"acceptance-{world.run}-rsa-4096"
    config = {"CallerReference": reference, "Name": name, "EncodedKey": pem}
    try:
        made = world.clients.cloudfront.create_public_key(PublicKeyConfig=config)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    world.clients.cloudfront.delete_public_key(Id=made["PublicKey"]["Id"], IfMatch=made["ETag"])
    return "accepted"


# 9.3 to 9.5: what S3 and KMS say


def _under(world: World, change: Callable[[dict[str, Any]], list[Any]], expected: str) -> str:
    """Return the answer for a file while the policy of the bucket has other statements.

    ``change`` gets CloudFront's statement. Each look asks for a copy that no edge has.
    """
    s3 = world.clients.s3
    kept = call(s3.get_bucket_policy, "read the policy", "", Bucket=world.bucket)["Policy"]
    policy = json.loads(kept)
    [statement] = policy["Statement"]
    text = json.dumps({**policy, "Statement": change(statement)})
    seen = ""

    def says(answer: str) -> bool:
        nonlocal seen
        kind = f"text%2Fx-{uuid.uuid4().hex}"
        seen = world.said(world.link(f"{FILE}?response-content-type={kind}"))
        return seen == answer

    def put(policy: str, answer: str) -> bool:
        call(s3.put_bucket_policy, "put the policy", "", Bucket=world.bucket, Policy=policy)
        return world.seconds_until(lambda: says(answer), at_most=_POLICY_SECONDS) is not None

    try:
        # What is served now is served by the policy before: that has to be gone first.
        closed = json.dumps({**policy, "Statement": [statement, _deny(world)]})
        if expected == SERVED and not put(closed, DENIED_BY_S3):
            return f"could not ask: {seen} in spite of a Deny"
        put(text, expected)
        found = seen
    finally:
        put(kept, SERVED)
    return found


def _deny(world: World) -> dict[str, Any]:
    """Return a statement that denies all that does not come through a VPC endpoint."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{world.bucket}/*",
        "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-0a1b2c3d4e5f0a1b2"}},
    }


@question("9.3", DENIED_BY_S3, "tools.model.resource_policy:evaluate", is_emulated=False)
def denied_by_a_statement(world: World) -> str:
    """Does a Deny for all that does not come through a VPC endpoint close the bucket?"""
    return _under(world, lambda statement: [statement, _deny(world)], DENIED_BY_S3)


@question("9.3", DENIED_BY_S3, "tools.model.resource_policy:evaluate", is_emulated=False)
def star_in_string_equals(world: World) -> str:
    """Is StringEquals with `distribution/*` compared literally, so that S3 refuses?"""

    def change(statement: dict[str, Any]) -> list[Any]:
        arn = statement["Condition"]["StringEquals"]["AWS:SourceArn"]
        any_of_them = f"{arn.rpartition('/')[0]}/*"
        return [{**statement, "Condition": {"StringEquals": {"AWS:SourceArn": any_of_them}}}]

    return _under(world, change, DENIED_BY_S3)


@question("9.3", SERVED, "tools.model.resource_policy:is_public", is_emulated=False)
def anybody_from_the_distribution(world: World) -> str:
    """Is the principal `*` with the distribution's ARN accepted, and no public policy?"""
    return _under(world, lambda statement: [{**statement, "Principal": "*"}], SERVED)


@question(
    "9.4",
    SERVED,
    "cfsigned_django/tools/stack/template.yaml",
    "tools.account.documents.bucket:decrypt_statement",
    is_emulated=False,
)
def decrypting_alone(world: World) -> str | tuple[str, bool]:
    """Is a file served that a KMS key encrypts which lets CloudFront call kms:Decrypt alone?"""
    if not world.kms_key:
        return "not asked: no key was named (KMS_KEY)", True
    key = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": world.kms_key}
    world.write("encrypted.txt", b"acceptance", **key)
    return world.said(world.link("/encrypted.txt"))


# 9.6, 11.10: CORS


@question(
    "9.6",
    "no Access-Control-Allow-Origin",
    "tools.doctor.live:check_cors",
    "docs/how-to/cors.md",
    is_emulated=False,
)
def cors_on_a_refusal(world: World) -> str:
    """Has a 403 of CloudFront the CORS headers of the response headers policy?"""
    fields = world.get(f"https://{world.domain}{FILE}", Origin=ORIGIN).headers
    found = fields.get("access-control-allow-origin")
    return f"Access-Control-Allow-Origin: {found}" if found else "no Access-Control-Allow-Origin"


@question(
    "11.10",
    "403 without CORS headers",
    "tools.edge.local_distribution:Distribution._verify",
    "docs/how-to/cors.md",
    is_emulated=False,
)
def preflight(world: World) -> str:
    """How is a preflight answered, which browsers send without a signature?"""
    answer = world.options(
        f"https://{world.domain}{FILE}",
        Origin=ORIGIN,
        **{"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-a"},
    )
    has = "with" if "access-control-allow-origin" in answer.headers else "without"
    return f"{answer.status} {has} CORS headers"


# 11.1, clocks


@question("11.1", "403 AccessDenied", "signing.policy:Policy.why_not")
def very_second(world: World) -> str:
    """Is a URL served in the very second of DateLessThan, by CloudFront's own clock?"""
    ahead = 0.0  # by so much, the clock of this machine
    for _ in range(_LOOKS):
        second = int(time.time() - ahead) + 2
        url = world.link(FILE, until=second)
        time.sleep(max(0.0, second + ahead + 0.2 - time.time()))
        answer = world.get(url)
        date = parsedate_to_datetime(answer.headers["date"]).timestamp()
        if date == second:
            return in_short(answer)
        ahead += second - date
    return "could not ask: no answer was of that second"


@question(
    "4",
    "at most 5",
    "core.conf:Site.PROPAGATION_SECONDS",
    "tools.doctor.live:NOTICEABLE_SECONDS",
    is_emulated=False,
)
def clocks(world: World) -> tuple[str, bool]:
    """By how many seconds do the clocks of CloudFront and of this machine differ?"""
    began = time.time()
    date = world.get(f"https://{world.domain}{FILE}").headers["date"]
    now = (began + time.time()) / 2
    skew = abs(parsedate_to_datetime(date).timestamp() + 0.5 - now)
    return f"{skew:.1f}", skew <= 5


# 5, 13.3, 14: what CloudFront has copies of


def _is_copied(world: World, url: str) -> bool:
    answer = world.get(url)
    return answer.is_served and answer.headers.get("x-cache", "").startswith("Hit")


def _becomes(world: World, what: str, is_so: Callable[[], bool], every: float = 0) -> bool:
    """Return whether it becomes so; what never did once is not waited for again."""
    if what not in world.in_vain and world.seconds_until(is_so, every=every) is None:
        world.in_vain.add(what)
    return what not in world.in_vain


@question(
    "5", "yes", "docs/explanation/how-a-signed-url-works.md", "docs/aws/costs.md", is_emulated=False
)
def one_copy(world: World) -> str:
    """Do two signed URLs of one file share the copy at the edge?"""
    if not _becomes(world, "kept", lambda: _is_copied(world, world.link(FILE))):
        return "never kept"
    return "yes" if _is_copied(world, world.link(FILE, key=RSA)) else "no"


def _forgets(world: World, name: str, items: list[str]) -> str:
    """Return whether a copy of a file is gone after an invalidation of these items."""
    path = f"/{quote(name)}"
    if not _becomes(world, "kept", lambda: _is_copied(world, _of_all(world, path))):
        return "never kept"
    # Other bytes: what is served later is the copy, or the file.
    new = b"B" if world.get(_of_all(world, path)).body[:1] == b"a" else b"a"
    world.write(name, new)
    answer = call(
        world.clients.cloudfront.create_invalidation,
        "create an invalidation",
        "",
        DistributionId=world.distribution_id,
        InvalidationBatch={
            "CallerReference": str(uuid.uuid4()),
            "Paths": {"Quantity": len(items), "Items": items},
        },
    )
    found_id = answer["Invalidation"]["Id"]
    if not _becomes(
        world, "completed", lambda: _is_invalidated(world, found_id), every=world.pace.look
    ):
        return "never completed"
    later = world.get(_of_all(world, path))
    if not later.is_served:
        return in_short(later)
    return "forgotten" if later.body[:1] == new else "kept"


def _is_invalidated(world: World, id: str) -> bool:
    answer = call(
        world.clients.cloudfront.get_invalidation,
        "read an invalidation",
        "",
        DistributionId=world.distribution_id,
        Id=id,
    )
    return bool(answer["Invalidation"]["Status"] == "Completed")


@question("14.2", "all forgotten", "storage.batch:spellings", is_emulated=False)
def invalidation_as_sent(world: World) -> str:
    """Does an invalidation count that writes a path as url() sends it?"""
    return _forgetting(world, 0)


@question("14.2", "all forgotten", "storage.batch:spellings", is_emulated=False)
def invalidation_by_rule(world: World) -> str:
    """Does one count that encodes only what AWS's rule names?"""
    return _forgetting(world, -1)


def _forgetting(world: World, spelling: int) -> str:
    """Return which difficult names CloudFront keeps, if their paths are written in this way."""
    kept = []
    for name in NAMES[:6]:
        _distribution, items = items_of("default", [name])
        if spelling and len(items) == 1:
            continue  # Both are the same.
        if (said := _forgets(world, name, [items[spelling]])) != "forgotten":
            kept.append(f"{name!r}: {said}")
        if said.startswith("never"):
            break  # so it is with the others
    return ", ".join(kept) or "all forgotten"


@question("14.2", "kept", "storage.batch:spellings", is_emulated=False)
def invalidation_with_two_slashes(world: World) -> str:
    """Is the copy of `/double.txt` forgotten by an invalidation of `//double.txt`?"""
    return _forgets(world, "double.txt", ["//double.txt"])


@question("14.2", "kept", "storage.batch:spellings", is_emulated=False)
def invalidation_with_dots(world: World) -> str:
    """Is the copy of `/albums/42/a.txt` forgotten by one of `/albums/43/../42/a.txt`?"""
    return _forgets(world, FILE.strip("/"), ["/albums/43/../42/a.txt"])


@question(
    "13.3", "forgotten", "storage.batch:send", "docs/how-to/deleted-files.md", is_emulated=False
)
def invalidation_by_tag(world: World) -> str:
    """Is a copy forgotten by the tag in its S3 metadata?"""
    return _forgets(world, "tagged.txt", ["#album:42"])


@question("14.3", "yes", "docs/how-to/deleted-files.md", is_emulated=False)
def visible_tag(world: World) -> str:
    """Do viewers see the tag in S3 metadata?"""
    fields = world.get(world.link("/tagged.txt")).headers
    return "yes" if "x-amz-meta-cache-tag" in fields else "no"


# 15: CloudFormation


@question(
    "15.2",
    "the cause is named, the stack is gone, the bucket is gone",
    "tools.stack.change_set:create",
    "cfsigned_django/tools/stack/template.yaml",
    is_emulated=False,
)
def failed_creation(world: World) -> str:
    """What is left of a stack whose distribution fails, since its key group does not exist?"""
    client, bucket = world.clients.cloudformation, f"{world.bucket}-bad"
    given = {BUCKET: bucket, MAKES_BUCKET: "true", KEY_GROUP: str(uuid.uuid4())}
    name = f"bad-{world.stack}"
    made = change_set.create(client, name, stack=None, given=given, sleep=time.sleep)
    change_set.execute(client, made)
    stack = events.follow(client, made.stack_id, show=lambda line: None, sleep=time.sleep)
    cause = events.cause(client, made.stack_id)
    status = "gone" if stack.status == "DELETE_COMPLETE" else stack.status
    is_left = find_region(world.clients.s3, bucket) is not None
    return (
        f"the cause is {'named' if 'the distribution: ' in cause else 'not named'}, "
        f"the stack is {status}, the bucket is {'left' if is_left else 'gone'}"
    )


@question(
    "15.3",
    "the distribution: DistributionConfig.CacheTagConfig",
    "tools.stack.losses:find_losses",
    is_emulated=False,
)
def change_by_hand(world: World) -> str:
    """What would an update undo, as cfsigned_setup tells from the change set?"""
    _code, report = world.command("cfsigned_setup", "--public-path=public/*")
    return "; ".join(each.partition(" was ")[0] for each in report["losses"]) or "nothing"


@question(
    "15.4",
    "exit code 0, the change by hand is gone",
    "tools.stack.change_set:create",
    "docs/aws/stack.md",
    is_emulated=False,
)
def reverted_drift(world: World) -> str:
    """Does cfsigned_setup --revert-drift, without another option, undo a change by hand?"""
    code, _report = world.command("cfsigned_setup", "--revert-drift", *APPLY, job="setup")
    method = world.clients.cloudfront.get_distribution_config
    found = call(method, "read it", "", Id=world.distribution_id)["DistributionConfig"]
    is_left = (found.get("CacheTagConfig") or {}).get("HeaderName")
    return f"exit code {code}, the change by hand is {'left' if is_left else 'gone'}"


@question("15.5", "yes", "docs/reference/iam.md", is_emulated=False)
def policies_of_an_update(world: World) -> str | tuple[str, bool]:
    """Did they suffice for that update, which reads all settings, and ListTagsForResource?"""
    return ("; ".join(_lacked(world)) or "yes") if world.limited else _NO_ROLE


# 16: policies that AWS manages; no plan is needed to ask


@question(
    "16.1",
    "exit code 0, its own policies are gone",
    "cfsigned_django/tools/stack/template.yaml",
    "docs/aws/stack.md",
    is_emulated=False,
)
def managed_policies(world: World) -> str:
    """Does cfsigned_setup give the stack AWS's policies, by their IDs, and remove its own?"""
    given = "--managed-policies", "--allow-removal"
    code, _report = world.command("cfsigned_setup", *given, *APPLY, job="setup")
    client = world.clients.cloudformation
    found = client.describe_stack_resources(StackName=world.stack)["StackResources"]
    kinds = {each["ResourceType"] for each in found if each["ResourceStatus"] != "DELETE_COMPLETE"}
    is_left = any(each.endswith("Policy") and "CloudFront" in each for each in kinds)
    lacks = "".join(f", {each}" for each in _lacked(world))
    return f"exit code {code}, its own policies are {'left' if is_left else 'gone'}{lacks}"


@question("16.2", "as documented", "tools.edge.stack_policies:MANAGED", is_emulated=False)
def managed_headers(world: World) -> str:
    """Does an answer have the headers of CORS-and-SecurityHeadersPolicy, and no other such one?"""
    expected = dict(response_headers.apply(MANAGED["response_headers_policy"], [], origin=ORIGIN))
    fields = world.get(world.link(FILE), Origin=ORIGIN).headers
    looked_at = {*expected, "Content-Security-Policy", "Access-Control-Allow-Credentials"}
    return (
        "; ".join(
            f"{name}: {fields.get(name.lower())}"
            for name in sorted(looked_at)
            if fields.get(name.lower()) != expected.get(name)
        )
        or "as documented"
    )


@question("16.3", "no", "tools.edge.stack_policies:MANAGED", is_emulated=False)
def managed_queries(world: World) -> str:
    """Does response-content-disposition change the answer of S3 with CachingOptimized?"""
    path = f"{FILE}?response-content-disposition=attachment"
    answer = world.get(world.link(path))
    if not answer.is_served:
        return in_short(answer)
    return "yes" if "content-disposition" in answer.headers else "no"


# 8, again: keys that leave


@question(
    "8.4",
    f"at most {_PROPAGATION} s here, then 20 x 403 InvalidKey",
    "core.conf:Site.PROPAGATION_SECONDS",
)
def key_leaves(world: World) -> tuple[str, bool]:
    """How long does a key open files here, at one edge, after it has left the key group?"""
    KeyGroups(world.clients.cloudfront).remove(world.key_group_id, world.keys[RSA][0])
    took = world.seconds_until(lambda: world.said(world.link(FILE, key=RSA)) != SERVED)
    return _measured(world, took, _of_20(world, RSA), "20 x 403 InvalidKey")


@question("8.3", "yes", "rotation.steps:advance")
def rotation(world: World) -> str:
    """Does cfsigned_rotate replace the key, until the old one is out of its group?"""
    groups = KeyGroups(world.clients.cloudfront)
    [old] = {*groups.members(world.key_group_id)} - {world.keys[EC][0]}
    code, report = world.command(
        "cfsigned_rotate", "--start", "--algorithm=RSA_2048", job="rotation"
    )

    def is_over() -> bool:
        nonlocal code, report
        if code in (DONE, LATER) and old in groups.members(world.key_group_id):
            code, report = world.command("cfsigned_rotate", job="rotation")
        return code not in (DONE, LATER) or old not in groups.members(world.key_group_id)

    took = world.seconds_until(is_over, every=world.pace.look, at_most=world.pace.deployment)
    is_done = took is not None and code in (DONE, LATER)
    return "yes" if is_done else f"exit code {code}: {report['blockers']}"
