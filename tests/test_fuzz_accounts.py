"""Judge the oracle of fuzz/accounts.py: its verdicts are those written down here, with reasons."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, product
from random import Random
from typing import Any

import pytest
from botocore.model import StructureShape
from botocore.session import get_session
from botocore.validate import ParamValidator

from fuzz import accounts
from fuzz.accounts import CHANGES, Situation, Verdict, account, apply, keys
from fuzz.doctor import differences

# For each of NAMES: "y" yes, "n" no, "?" if AWS's pages do not say. The last one is declared to be
# public in MEDIA, so no stranger reads it as a private file.
NOBODY, ANYBODY, WORKS, BROKEN, MAYBE = "nnnnn", "yyyyn", "yyyyy", "nnnnn", "????n"
MEDIA = account(location="media/", public_folders=("public/",))
PLAIN = account()
APP = account(location="media/", has_app=True)
LETTERS = {True: "y", False: "n", None: "?"}

#: Each change alone, to MEDIA: a stranger without a signature, the signed URL, and why.
ALONE = {
    "group removed": (ANYBODY, WORKS, "an open behavior asks for nothing"),
    "group replaced": (NOBODY, "nnnny", "the key is in no trusted group; public/ needs none"),
    "group added": (NOBODY, WORKS, "one of the groups has the key"),
    "key not in group": (NOBODY, "nnnny", "Unknown Key"),
    "public key differs": (NOBODY, "nnnny", "the signature does not match"),
    "setting names another group": (NOBODY, WORKS, "CloudFront does not know the setting"),
    "setting names no group": (NOBODY, WORKS, "CloudFront does not know the setting"),
    "trusted signers": (NOBODY, "nnnny", "restricted, to key pairs of an account"),
    "open folder": ("nyynn", WORKS, "the first pattern that matches is open"),
    "open endings": ("yyynn", WORKS, "* goes across folders; a PDF has another ending"),
    "open before": (ANYBODY, WORKS, "the first pattern that matches is open"),
    "open default": (MAYBE, WORKS, "media%2Fa.jpg may be no path of media/*"),
    "folder of another group": (NOBODY, "ynnyy", "albums/ trusts another key"),
    "folder of another bucket": (NOBODY, "yyyny", "the other bucket does not have the file"),
    "open public/, undeclared": (NOBODY, WORKS, "it is declared in MEDIA"),
    "public folder elsewhere": ("nnnny", WORKS, "public/ is open, and not declared"),
    "public folder without location": (NOBODY, WORKS, "public/* opens nothing of the site"),
    "public folder with origin path": ("nnynn", WORKS, "/public/2.jpg is albums/public/2.jpg"),
    "all viewer headers": (NOBODY, "????y", "S3 with the host of the viewer: not supported"),
    "origin path": (NOBODY, BROKEN, "CloudFront asks for files/media/a.jpg"),
    "origin path as location": (NOBODY, BROKEN, "CloudFront asks for media/media/a.jpg"),
    "another bucket": (NOBODY, BROKEN, "the files are elsewhere"),
    "custom origin": (NOBODY, BROKEN, "unsigned requests, and the bucket is private"),
    "website endpoint": (NOBODY, BROKEN, "unsigned requests, and the bucket is private"),
    "no access control": (NOBODY, BROKEN, "unsigned requests, and the bucket is private"),
    "identity": (NOBODY, WORKS, "older, but the policy names it"),
    "identity, not in policy": (NOBODY, BROKEN, "the policy names the service alone"),
    "never signs": (NOBODY, BROKEN, "unsigned requests, and the bucket is private"),
    "signs without override": (NOBODY, WORKS, "viewers send no Authorization header"),
    "no statement": (NOBODY, BROKEN, "nothing allows"),
    "statement for another": (NOBODY, BROKEN, "AWS:SourceArn is another one"),
    "any of the account": (NOBODY, WORKS, "there is no other distribution"),
    "any by pattern": (NOBODY, WORKS, "there is no other distribution"),
    "no condition": (NOBODY, WORKS, "by distributions of other accounts: foreign_reads"),
    "anyone of the distribution": (NOBODY, WORKS, "* is all principals; strangers have no ARN"),
    "not action": (NOBODY, WORKS, "GetObject is not among the two"),
    "anyone": (NOBODY, WORKS, "RestrictPublicBuckets: services alone, with their own statement"),
    "anyone, AWS": (NOBODY, WORKS, "as anyone"),
    "anyone from the site": (NOBODY, WORKS, "as anyone: a Referer is not fixed"),
    "anyone of the office": (NOBODY, WORKS, "a stranger has another address"),
    "anyone but one folder": (NOBODY, WORKS, "as anyone"),
    "anyone but a partner": (NOBODY, WORKS, "public, so RestrictPublicBuckets"),
    "a partner": (NOBODY, WORKS, "a stranger has no account of theirs"),
    "deny but endpoint": (NOBODY, BROKEN, "CloudFront comes through no endpoint of a VPC"),
    "deny but account": (NOBODY, BROKEN, "the service is not the account"),
    "deny HTTP": (NOBODY, WORKS, "the URL is HTTPS"),
    "deny documents": (NOBODY, "yyyny", "a Deny comes before each Allow"),
    "unblocked": (NOBODY, WORKS, "the policy is not public"),
    "no block": (NOBODY, WORKS, "the policy is not public"),
    "public policies allowed": (NOBODY, WORKS, "the policy is not public"),
    "public buckets unrestricted": (NOBODY, WORKS, "the policy is not public"),
    "public bucket": (ANYBODY, WORKS, "by S3"),
    "ACLs": (MAYBE, WORKS, "each object has its own ACL"),
    "KMS without CloudFront": (NOBODY, BROKEN, "the key policy does not name the service"),
    "KMS key of AWS": (NOBODY, BROKEN, "its policy cannot name the service"),
    "disabled": (NOBODY, BROKEN, "no request is answered"),
    "mTLS": (NOBODY, BROKEN, "a browser has no certificate"),
    "optional mTLS": (NOBODY, WORKS, "no certificate is needed"),
    "no alias": (NOBODY, BROKEN, "the domain is refused"),
    "second, open": (ANYBODY, WORKS, "by the other distribution"),
    "second, open, not in policy": (NOBODY, WORKS, "the other one may not read"),
    "second, restricted": (NOBODY, WORKS, "to keys of another group"),
}

#: Several changes, one after the other, to MEDIA.
TOGETHER = [
    ("anyone; unblocked", ANYBODY, WORKS, "a public policy counts"),
    ("anyone; public buckets unrestricted", ANYBODY, WORKS, "the setting that matters is off"),
    ("anyone; public policies allowed", NOBODY, WORKS, "it refuses new policies only"),
    ("anyone; never signs", NOBODY, BROKEN, "unsigned requests are from nobody"),
    (
        "anyone; no statement",
        NOBODY,
        "?????",
        "does * still allow a service?",
    ),
    ("anyone, AWS; no block", ANYBODY, WORKS, "the same for anonymous users"),
    ("anyone from the site; no block", ANYBODY, WORKS, "anybody may write a Referer"),
    ("anyone of the office; no block", NOBODY, WORKS, "a stranger has another address"),
    ("anyone of the distribution; no block", NOBODY, WORKS, "a stranger has no AWS:SourceArn"),
    ("anyone but one folder; no block", ANYBODY, WORKS, "media/ is not that folder"),
    ("anyone but a partner; no block", MAYBE, WORKS, "NotPrincipal with Allow: not supported"),
    ("a partner; no block", NOBODY, WORKS, "a stranger has no account of theirs"),
    ("public bucket; never signs", ANYBODY, WORKS, "public, so unsigned requests read, too"),
    ("public bucket; website endpoint", ANYBODY, WORKS, "public, so unsigned requests read, too"),
    ("public bucket; deny documents", "yyynn", "yyyny", "a Deny is for strangers, too"),
    ("public bucket; deny but endpoint", NOBODY, BROKEN, "nobody comes through the endpoint"),
    ("public bucket; KMS without CloudFront", MAYBE, BROKEN, "objects from before KMS"),
    ("second, open, not in policy; any of the account", ANYBODY, WORKS, "all of the account read"),
    ("second, open, not in policy; any by pattern", ANYBODY, WORKS, "all of the account read"),
    ("second, open; disabled", ANYBODY, BROKEN, "the other one is not disabled"),
    ("second, open; never signs", NOBODY, BROKEN, "both have the access control"),
    ("open before; KMS without CloudFront", MAYBE, BROKEN, "objects from before KMS"),
    ("open before; disabled", NOBODY, BROKEN, "no request is answered"),
    ("open before; mTLS", NOBODY, BROKEN, "a stranger has no certificate"),
    ("open before; optional mTLS", ANYBODY, WORKS, "no certificate is needed"),
    ("open before; no alias", ANYBODY, BROKEN, "CloudFront's own domain still answers"),
    ("open before; no statement", NOBODY, BROKEN, "CloudFront may not read"),
    ("open before; origin path", NOBODY, BROKEN, "no path is files/../media/a.jpg"),
    ("open before; all viewer headers", MAYBE, "?????", "not supported with S3"),
    ("open before; group replaced", NOBODY, BROKEN, "the same behavior, restricted again"),
    ("group removed; deny documents", "yyynn", "yyyny", "a Deny is for the service, too"),
    ("group replaced; key not in group", NOBODY, "nnnny", "both groups have the other key"),
    ("identity; KMS without CloudFront", NOBODY, BROKEN, "an identity cannot use KMS"),
    ("identity; anyone", NOBODY, "?????", "is an identity a service?"),
    ("origin path as location; open public/, undeclared", NOBODY, BROKEN, "another key"),
]

#: Changes to the other kinds of accounts.
ELSEWHERE: list[tuple[Situation, str, str, str, str]] = [
    (PLAIN, "group removed", "yyyyy", WORKS, "nothing is declared"),
    (PLAIN, "open public/, undeclared", "nnnny", WORKS, "public/ is not declared"),
    (PLAIN, "open folder", "nyynn", WORKS, "albums/*"),
    (PLAIN, "anyone but one folder; no block", "yyyyn", WORKS, "that folder is public/"),
    (PLAIN, "folder of another group", NOBODY, "ynnyy", "albums/*"),
    (APP, "group removed", "yyyyy", WORKS, "the behavior of media/*"),
    (APP, "open before", "yyyyy", WORKS, "the first of two for media/*"),
    (APP, "open endings", "yyyny", WORKS, "all but the PDF"),
    (APP, "another bucket", NOBODY, BROKEN, "the files are elsewhere"),
    (APP, "open default", "?????", WORKS, "the default is the bucket now"),
]


def changed(situation: Situation, names: str) -> Situation:
    """Return a situation of this kind with changes, one after the other."""
    situation = account_like(situation)
    for name in names.split("; "):
        after = apply(name, situation)
        assert after is not None, name
        situation = after
    return situation


def account_like(situation: Situation) -> Situation:
    """Return a new account of the same kind, which may be written to."""
    origins = situation.distribution["DistributionConfig"]["Origins"]["Items"]
    return account(
        location=situation.location,
        public_folders=situation.public_folders,
        has_app=len(origins) > 1,
    )


def letters(function: Any, situation: Situation) -> str:
    """Return the verdicts on the objects, a letter each."""
    found: list[Verdict] = [function(situation, key) for key in keys(situation)]
    assert all(each.why for each in found)
    return "".join(LETTERS[each.holds] for each in found)


@pytest.mark.parametrize("location", ["", "media/"])
@pytest.mark.parametrize("public_folders", [(), ("public/",)])
@pytest.mark.parametrize(("has_app", "has_kms", "has_alias"), [*product([False, True], repeat=3)])
def test_right(
    location: str, public_folders: tuple[str, ...], has_app: bool, has_kms: bool, has_alias: bool
) -> None:
    """In right accounts, nobody reads without a signature, and signed URLs work."""
    situation = account(
        location=location,
        public_folders=public_folders,
        has_app=has_app,
        has_kms=has_kms,
        has_alias=has_alias,
    )

    assert letters(accounts.stranger_reads, situation) == NOBODY
    assert letters(accounts.signed_url_works, situation) == WORKS
    assert letters(accounts.foreign_reads, situation) == NOBODY
    assert accounts.is_public(situation).holds is False


@pytest.mark.parametrize(
    ("situation", "names", "stranger", "signed", "why"),
    [
        *((MEDIA, name, *row) for name, row in ALONE.items()),
        *((MEDIA, *row) for row in TOGETHER),
        *ELSEWHERE,
    ],
)
def test_changed(situation: Situation, names: str, stranger: str, signed: str, why: str) -> None:
    """Who reads after a change is what AWS's pages say, which the reason sums up."""
    situation = changed(situation, names)

    assert letters(accounts.stranger_reads, situation) == stranger, why
    assert letters(accounts.signed_url_works, situation) == signed, why


def test_all_changes_are_judged() -> None:
    """Each kind of change has a verdict that is written down."""
    assert [*ALONE] == [*CHANGES]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("anyone", False),
        ("anyone; public policies allowed", False),
        ("anyone; public buckets unrestricted", True),
        ("anyone from the site; no block", True),
        ("anyone of the office; no block", False),
        ("anyone of the distribution; no block", False),
        ("no condition; no block", False),
        ("a partner; no block", False),
        ("deny HTTP; no block", False),
        ("public bucket", True),
        ("ACLs", None),
    ],
)
def test_public(names: str, expected: bool | None) -> None:
    """A bucket is public by a policy without fixed values, unless public buckets are restricted."""
    assert accounts.is_public(changed(MEDIA, names)).holds is expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("no condition", "yyyyy"),
        ("no condition; KMS without CloudFront", "?????"),
        ("any of the account", "nnnnn"),
        ("any by pattern", "nnnnn"),
        ("anyone", "?????"),
        ("public bucket", "yyyyy"),
    ],
)
def test_foreign(names: str, expected: str) -> None:
    """A distribution of another account reads what is for the service without a condition."""
    assert letters(accounts.foreign_reads, changed(MEDIA, names)) == expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("media/*", "/media/a.jpg", True),
        ("/media/*", "/media/a/b.jpg", True),
        ("*.jpg", "/media/a.jpg", True),
        ("media/?.jpg", "/media/a.jpg", True),
        ("media/?.jpg", "/media/ab.jpg", False),
        ("Media/*", "/media/a.jpg", False),
        ("media/*", "/x/media/a.jpg", False),
        ("media/*", "/media%2Fa.jpg", False),
        ("media", "/media/", False),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    """A pattern matches a whole path, and letter case counts."""
    situation = account()
    behaviors = situation.distribution["DistributionConfig"]["CacheBehaviors"]
    behaviors["Items"] = [accounts.behavior(pattern)]

    found = accounts.matched(situation.distribution, path)

    assert (found is behaviors["Items"][0]) is expected


@pytest.mark.parametrize(
    ("condition", "direct", "public"),
    [
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, "y", True),
        ({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}, "?", True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, "n", False),
        ({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, "y", True),
        ({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}, "n", False),
        ({"StringLike": {"aws:SourceVpc": "vpc-*"}}, "n", True),
        ({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-91237329"}}, "y", True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-0a1b2c3d4e"}}, "n", False),
        ({"Null": {"aws:SourceVpce": "true"}}, "y", True),
        ({"StringEquals": {"aws:Referer": "a secret"}}, "?", True),
        ({"Bool": {"aws:SecureTransport": "true"}}, "y", True),
        ({"StringEquals": {"aws:UserAgent": "${aws:username}"}}, "?", True),
        ({"Bool": {"aws:SecureTransport": "${aws:username}"}}, "?", True),
        ({"StringEquals": {"aws:SourceVpc": "${aws:username}"}}, "n", True),
        ({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}, "?", True),
    ],
)
def test_conditions(condition: dict[str, Any], direct: str, public: bool) -> None:
    """Of conditions for anyone, S3 knows which are fixed, and a stranger meets what they can."""
    policy = {"Statement": [accounts.statement(Principal="*", Condition=condition)]}
    situation = replace(account(), policy=policy, public_access_block=None)

    assert LETTERS[accounts.direct(situation, "a.jpg").holds] == direct
    assert accounts.is_public(situation).holds is public


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringNotLike": {"aws:Referer": "https://www.example.com/*"}}, "y"),
        ({"StringLike": {"aws:Referer": "https://www.example.org/*"}}, "y"),
        ({"StringNotEquals": {"aws:SourceVpce": "vpce-0a1b2c3d4e5f60718"}}, "n"),
        ({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}, "?"),
        ({"Bool": {"aws:SecureTransport": "false"}}, "y"),
    ],
)
def test_denied(condition: dict[str, Any], expected: str) -> None:
    """A stranger avoids what depends on what they write, and an unknown denial is unknown."""
    deny = accounts.statement(Effect="Deny", Principal="*", Condition=condition)
    policy = {"Statement": [accounts.statement(Principal="*", Condition={}), deny]}
    situation = replace(account(), policy=policy, public_access_block=None)

    assert LETTERS[accounts.direct(situation, "a.jpg").holds] == expected


@pytest.mark.parametrize(
    ("principal", "expected"),
    [("*", "y"), ({"AWS": "*"}, "?"), ({"Service": "s3.amazonaws.com"}, "n")],
)
def test_service(principal: Any, expected: str) -> None:
    """All principals include the service; whether all of "AWS" do, is not said."""
    policy = {"Statement": [accounts.statement(Principal=principal, Condition={})]}
    situation = replace(account(), policy=policy, public_access_block=None)

    assert LETTERS[accounts.signed_url_works(situation, "a.jpg").holds] == expected


@pytest.mark.parametrize(
    ("principal", "expected"),
    [({"AWS": "arn:aws:iam::cloudfront:user/another"}, "n"), ({"CanonicalUser": "79a59df9"}, "?")],
)
def test_identity(principal: dict[str, str], expected: str) -> None:
    """Nothing but CloudFront says which canonical user an origin access identity is."""
    policy = {"Statement": [accounts.statement(Principal=principal, Condition={})]}
    situation = replace(changed(PLAIN, "identity, not in policy"), policy=policy)

    assert LETTERS[accounts.signed_url_works(situation, "a.jpg").holds] == expected


def test_no_website() -> None:
    """A website endpoint answers with files only if the bucket is a website."""
    situation = replace(changed(PLAIN, "public bucket; website endpoint"), website=None)

    assert letters(accounts.signed_url_works, situation) == BROKEN


def test_situations() -> None:
    """A seed always gives the same situations, in which each kind of change is found."""
    made = [*accounts.situations(1, 400)]
    again = [*accounts.situations(1, 40)]

    assert again == made[:40]
    assert {name for _, names in made for name in names} == {*CHANGES}
    assert {len(names) for _, names in made} == {0, 1, 2, 3, 4, 5}
    assert [*islice(accounts.situations(2, 40), 40)] != again
    for situation, names in made:
        for key in keys(situation):
            verdicts = (
                accounts.stranger_reads(situation, key),
                accounts.signed_url_works(situation, key),
            )
            assert names or [each.holds for each in verdicts] == [False, True]


def test_change_copies() -> None:
    """A change leaves the situation that it is made from as it was."""
    dice = Random(1)
    situation = account(location="media/", public_folders=("public/",), has_kms=True)
    for _ in range(100):
        accounts.change(dice, situation)

    assert situation == account(location="media/", public_folders=("public/",), has_kms=True)


def test_shapes() -> None:
    """CloudFront's own model accepts each distribution, with its lists counted."""
    model = get_session().get_service_model("cloudfront")
    shape, whole = (model.shape_for(each) for each in ("DistributionConfig", "Distribution"))
    assert isinstance(whole, StructureShape)
    for situation, names in accounts.situations(3, 200):
        for each in accounts.distributions(situation):
            report = ParamValidator().validate(each["DistributionConfig"], shape)
            assert not report.has_errors(), (names, report.generate_report())
            assert each.keys() <= whole.members.keys()


def test_doctor() -> None:
    """The doctor hides no open file and no refused URL, and says nothing that is not so."""
    found = [each for made, _ in accounts.situations(1, 400) for each in differences(made)]

    assert found == []
