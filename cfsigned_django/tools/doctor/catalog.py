"""Every finding of the doctor. The ids are API: they keep their meaning."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from cfsigned_django.tools.account.state.findings import (
    AWS_FINDINGS,
    Finding,
    FindingType,
    Level,
    error,
    finding_of,
    note,
    warning,
)
from cfsigned_django.validation import TABLE

# The place of a value in a pattern, and of one that may be empty: nothing separates it from what
# stands before it.
_VALUE: Final = re.compile(r"\{(\w+)\}")
_MAY_BE_EMPTY: Final = re.compile(r"(?<=[\w.}])\{\w+\}")

_NEW_URL = "Make a new signed URL with url() or {% signed_url %}, and do not change it."

#: Id -> what its findings have in common, in the order in which a request meets them.
CATALOG: dict[str, FindingType] = {
    # Settings, keys and the clock.
    "cannot-sign": error(
        what="The storage cannot sign now.",
        why="url() raises the same error, and pages with signed URLs fail.",
        fix="Do what the message says. manage.py cfsigned_rotate shows the keys of the database.",
    ),
    "foreign-signer": warning(
        what="{storage} has a cloudfront_signer that is not from this package.",
        why="Its key is unknown, so keys, signed requests and the key group were not checked.",
        fix="Remove cloudfront_signer, and set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID.",
    ),
    "changed-url": error(
        what="The url() of a subclass changed the URL after it was signed.",
        why="CloudFront refuses a URL that is not the signed one.",
        fix="Let the class change the name or the options (custom_domain, location), not the URL "
        "that the package returns.",
    ),
    "unsigned-url": note(
        what="The url() of a subclass returned a URL without a signature.",
        why="This is right if the file is public. If its behavior restricts viewer access, "
        "CloudFront refuses the URL.",
        fix="If the file is private, let the class return what url() of the package returns.",
    ),
    "media-url-joined": warning(
        what="Templates join MEDIA_URL, which is on {host}, and the name of a file: {places}.",
        why="A storage signs the URLs of that host. A URL that was joined has no signature, and "
        "CloudFront answers MissingKey.",
        fix="Let the storage make the URL: photo.image.url, or {% signed_url %} for a name.",
    ),
    "database": error(
        what="The key pairs of the database cannot be read ({error}).",
        why="New processes cannot find out which key is ACTIVE.",
        fix="Check DATABASES, and whether the database server runs.",
    ),
    "signing-key": note(what="{key} from {place} signs ({algorithm})."),
    "rotation-waits": note(
        what="What a rotation waits for, in the words of the admin page and cfsigned_rotate.",
    ),
    "rotation-stuck": warning(
        what="A step of a rotation has been due for 3 days.",
        why="URLs work, but an old key is still trusted, or a new key does not sign yet.",
        fix="Do what the message says. See the page on rotating keys.",
    ),
    "clock-off": warning(
        what="The clock is {skew} CloudFront's: more than {limit}.",
        why="Signed URLs expire that much too early or too late, and those with a start time are "
        "refused at first. It is an error above 5 min, or above the life of signed URLs: they have "
        "expired when they are made, or live too long. AWS may refuse API calls as well "
        "(RequestTimeTooSkewed).",
        fix="Set the clock of this machine, and let NTP keep it right (timedatectl set-ntp true).",
    ),
    "clock-unknown": warning(
        what="CloudFront's answer has no readable Date header.",
        why="The clock could not be compared. If it is wrong, signed URLs are refused.",
        fix="Compare the clock by hand, and look for a proxy that removes headers.",
    ),
    # What AWS's API says.
    "aws-unreadable": error(
        what="Could not {task}: {reason}.",
        why="What depends on it was not checked, so it may or may not be in order.",
        fix="Do what the message says, or skip AWS with --offline.",
    ),
    "local-edge": note(
        what="{host} is this machine, and no distribution is configured: AWS was not asked.",
        why="The local edge answers in place of CloudFront, so the configuration at AWS does not "
        "matter.",
        fix="Set AWS_CLOUDFRONT_DISTRIBUTION_ID, or --distribution, to check AWS as well.",
    ),
    "cannot-invalidate": FindingType(
        # The site may have other credentials than the person who asks.
        level=Level.WARNING,
        what="With these credentials, no file of {distribution} can be invalidated: {reason}.",
        why="Deleted and overwritten files are served until the TTL of their copies ends. Only if "
        "the site has other credentials, it may be in order: run this with those.",
        fix="Do what the message says. The site needs cloudfront:CreateInvalidation.",
    ),
    "other-key-groups": note(
        what="The AWS account has key groups that are not of this site: {key_groups}.",
        why="IAM has no resource for a key group. Credentials that may rotate the keys of this "
        "site can change these groups too, and so open the files of every behavior that trusts "
        "them.",
        fix="If they protect other files than this site's, as production's do beside staging's, "
        "use a separate AWS account, or let a person rotate (AWS_CLOUDFRONT_BY_HAND).",
    ),
    **AWS_FINDINGS,
    # What CloudFront and S3 answer.
    "no-answer": error(
        what="{host} does not answer: {error}.",
        why="This machine could not request anything from CloudFront. Viewers may still be able "
        "to connect.",
        fix="Check that the domain resolves to the distribution (a CNAME or alias record), and "
        "check its certificate and the network of this machine.",
    ),
    "not-cloudfront": error(
        what="{host} answers {status}, but the answer is not from CloudFront ({server}).",
        why="Another server, or a proxy in front of CloudFront, answers. It does not check "
        "signatures.",
        fix="Point the DNS record of AWS_S3_CUSTOM_DOMAIN at the domain name of the distribution.",
    ),
    "redirected": error(
        what="{url} redirects to {location} ({status}).",
        why="A signature is valid for one URL: at the target, it is refused, or another server "
        "answers.",
        fix='Set AWS_S3_URL_PROTOCOL to "https:" if http redirects to https, and '
        "AWS_S3_CUSTOM_DOMAIN to a host that does not redirect.",
    ),
    "html-answer": error(
        what="CloudFront answers {status} with an HTML page.",
        why="CloudFront refused before it checked the signature, or the page hides the reason.",
        fix="Check the web ACL, the geographic restrictions, the alternate domain names and the "
        "error pages of the distribution, and allow the methods GET and HEAD.",
    ),
    "server-error": error(
        what="{host} answers {status}: CloudFront or the origin failed.",
        why="This says nothing about signatures. Viewers get the same answer.",
        fix="Try again in a minute. If it fails again, check the origin of the distribution, its "
        "domain name, and the functions of the behavior.",
    ),
    "strange-answer": error(
        what="{request} gets the answer {answer}, which neither CloudFront nor S3 is known to "
        "give.",
        why="Something else handles the request: a function, a custom error page, or a proxy.",
        fix="Check the functions and error pages of the behavior.",
    ),
    "unsigned-refused": note(what="A request without a signature is refused ({answer})."),
    "unsigned-served": error(
        what="{url} is served without a signature.",
        why="CloudFront requires no signature on this path. Anyone who knows or guesses a name can "
        "read a file, unless S3 refuses CloudFront as well.",
        fix="Turn on Restrict viewer access, with the key group, for the behavior of this path "
        "and for every one before it that matches the path.",
    ),
    "signed-served": note(what="{url} is served with a signature ({status})."),
    "signed-unknown-key": error(
        what="CloudFront answers InvalidKey (Unknown Key) to a new signed URL.",
        why="Every signed URL of this site is refused.",
        fix="Compare AWS_CLOUDFRONT_KEY_ID with the public keys of the key group, and the key "
        "group with the behavior. A change takes a while to reach every edge; AWS does not say how "
        "long.",
    ),
    "signed-denied": error(
        what="CloudFront answers AccessDenied (Access denied) to a new signed URL.",
        why="CloudFront knows the key ID, but its public key does not match the private key; or "
        "the URL is changed on its way.",
        fix="Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID to the private key and the public "
        "key ID of one key pair, and look for a proxy that rewrites URLs.",
    ),
    "signed-malformed": error(
        what="CloudFront answers {code} to a new signed URL.",
        why="The parameters were lost or changed on their way.",
        fix="Look for a proxy or a viewer request function that removes or rewrites query "
        "parameters.",
    ),
    "signed-s3-denied": error(
        what="CloudFront accepts the signature, but S3 answers AccessDenied for {url}.",
        why="The signature is good. Either CloudFront may not read the object, or the object does "
        "not exist: S3 gives the same answer to a reader that may not list the bucket.",
        fix="Compare the name with the key of the object in S3. If the object exists, look for a "
        "Deny statement in the bucket policy, for a KMS key (SSE-KMS) whose key policy does not "
        "allow CloudFront, and for an object that another AWS account owns.",
    ),
    "signed-not-found": error(
        what="CloudFront accepts the signature, but S3 has no object for {url}.",
        why="The name, AWS_LOCATION or the origin path of the distribution does not match the "
        "bucket.",
        fix="Compare the path of the URL with the key of the object in S3; the origin path comes "
        "before it.",
    ),
    "wrong-url-served": error(
        what="{request} is accepted ({answer}).",
        why="Signatures are not checked, or never end: the answer is not from CloudFront, or "
        "another behavior serves this path.",
        fix="Look for a cache or proxy in front of CloudFront that ignores the query, and check "
        "which server answers for this domain.",
    ),
    "cors": note(
        what="Pages of {origins} may read {url}, cached or not.",
    ),
    "cors-headers-missing": error(
        what="For {origin}, the object{place} has {header}.",
        why="Browsers hide the file from fetch(), canvas, fonts and crossorigin images of pages of "
        "that origin. In the cache, the first request decides for all.",
        fix="Give the behavior a response headers policy with CORS; or the bucket a CORS rule for "
        "the origin, and the behavior the origin request policy CORS-S3Origin, with Origin in the "
        "cache key. Then invalidate the path.",
    ),
    "cors-browser-cache": note(
        what="Without an Origin, the answer has no Vary: Origin. Chrome may reuse such a copy "
        "for a request with CORS.",
        why="A copy that a plain <img> has fetched has no CORS headers. Chrome may take it from "
        "its cache for a later request with CORS, which then fails.",
        fix='Write crossorigin="anonymous" on every <img> whose URL scripts or canvas use too: see '
        "{% signed_url %} in the documentation.",
    ),
    "s3-private": note(what="S3 refuses requests that do not come through CloudFront."),
    "s3-open": error(
        what="{url} is served to anyone.",
        why="Anyone who knows the bucket can read a file whose name they know, or find out every "
        "name (s3:ListBucket), without a signature.",
        fix="Turn on Block Public Access for the bucket, and remove Principal * from its policy.",
    ),
    "s3-no-answer": warning(
        what="S3 does not answer as expected: {answer}.",
        why="Whether the bucket is private could not be checked.",
        fix="Check the network of this machine and AWS_S3_ENDPOINT_URL, and try again in a minute.",
    ),
    # One URL: cfsigned_doctor --explain.
    "url-not-absolute": error(
        what="The text is not an http or https URL.",
        why="CloudFront signs whole URLs. A part of one cannot be checked.",
        fix="Pass the whole URL, from https:// to its end, in single quotes.",
    ),
    "url-copied": warning(
        what="The URL has {extra}.",
        why="The findings below are about the URL without them. If a client sends them, CloudFront "
        "refuses the request.",
        fix="Check whether they were added when the URL was copied, or are in the page, mail or "
        "script.",
    ),
    "url-escaped": error(
        what="The URL has {escapes}.",
        why="That is right in the source of an HTML page, or within JSON, and wrong in a request: "
        "CloudFront finds no Key-Pair-Id and answers MissingKey.",
        fix="Escape once: use {% signed_url ... as url %} outside HTML, do not mark escaped text "
        "as safe, and parse JSON before you use the URL. If the URL was copied from the source of "
        "a page, or from JSON, nothing is wrong.",
    ),
    "url-double-encoded": error(
        what="{part} is percent-encoded twice.",
        why="Clients send the URL as it is: CloudFront finds no parameters, or a path and values "
        "that were not signed.",
        fix="Remove the code that quotes the finished URL (quote, urlencode, encodeURI): a signed "
        "URL is complete.",
    ),
    "url-fragment": error(
        what="The CloudFront parameters come after a #.",
        why="Clients do not send what follows a #, so CloudFront never receives the signature.",
        fix="Encode a # in a file name as %23; url() does so.",
    ),
    "url-s3-address": error(
        what="The URL is one of S3{presigned}, for {host}.",
        why="It bypasses CloudFront. S3 does not check CloudFront signatures, and CloudFront finds "
        "no Key-Pair-Id in a presigned URL and answers MissingKey.",
        fix="Set AWS_S3_CUSTOM_DOMAIN to the domain of the distribution, and "
        "cfsigned_django.storage.CloudFrontS3Storage as the BACKEND in STORAGES: without a domain, "
        "django-storages presigns URLs of S3, without a warning.",
    ),
    "url-other-domain": error(
        what="The host is {host}, but the storages of this site sign for {domains}.",
        why="The domain is signed too: a URL signed for one domain is refused at another, even if "
        "both belong to one distribution.",
        fix="Use the URL as url() returns it, and set AWS_S3_CUSTOM_DOMAIN to the domain that "
        "viewers must use.",
    ),
    "url-too-long": error(
        what="The URL has {length} characters; CloudFront reads 8192 bytes at most.",
        why="CloudFront does not read it.",
        fix="Shorten the name or the parameters, or sign with an ECDSA key, whose signature is "
        "shorter.",
    ),
    "url-unsigned": error(
        what="The URL has no signature.",
        why="CloudFront answers MissingKey, unless the request has signed cookies.",
        fix="Use url() or {% signed_url %}. Look for code that removes the query, such as a cache "
        "key, a thumbnail library or urlsplit().",
    ),
    "url-incomplete": error(
        what="The URL has no {missing}.",
        why="CloudFront requires a Key-Pair-Id, a whole Signature, and either Expires or Policy. "
        "It answers MissingKey, MalformedSignature (Could not unencode Signature) or AccessDenied.",
        fix="The URL was cut off or changed: in a mail, by an unquoted & in a shell, or by a "
        "column that is too short. Compare its length with a new one. " + _NEW_URL,
    ),
    "url-unknown-key": error(
        what="The URL names the key {key}, but the keys of this site are: {known}.{signer}",
        why="CloudFront looks a key up by its public key ID (K...) alone. It answers InvalidKey "
        "(Unknown Key), unless another site has added that key to the key group. The signature "
        "cannot be checked here.",
        fix="Compare AWS_CLOUDFRONT_KEY_ID with the ID under CloudFront > Key management > Public "
        "keys, and find out which site or environment made the URL.",
    ),
    "url-key-ended": error(
        what="The key {key} that signed the URL {ended}.",
        why="CloudFront no longer knows the key and answers InvalidKey (Unknown Key).",
        fix=_NEW_URL,
    ),
    "url-key-not-in-group": error(
        what="The key {key} is not in {key_groups}.",
        why="CloudFront answers InvalidKey (Unknown Key).",
        fix="Find out which storage or site made the URL. If it is this one, compare its key and "
        "its key group with CloudFront > Key management > Key groups.",
    ),
    "url-malformed-policy": error(
        what="The policy, or Expires, cannot be read.",
        why="CloudFront answers MalformedPolicy.",
        fix="Times must be Unix seconds, not milliseconds, and the Policy must be CloudFront's "
        "base64 (-_~), not base64url. " + _NEW_URL,
    ),
    "url-refused": error(
        what="A CloudFront parameter appears twice, is spelled in another case, or has a value "
        "that CloudFront does not accept.",
        why="AWS names them Expires, Policy, Signature, Key-Pair-Id and Hash-Algorithm, and does "
        "not document what CloudFront does with anything else; expect a refusal.",
        fix="Look for a proxy or client that changes parameters, such as to lowercase. " + _NEW_URL,
    ),
    "url-signature-mismatch": error(
        what="The signature does not match: the URL, its policy or the key is not the one that "
        "was signed.",
        why="CloudFront answers AccessDenied (Access denied), as for an expired URL.",
        fix="Use the URL byte for byte as url() returns it. If a new URL fails as well, the "
        "private key does not match the key ID: run cfsigned_doctor without --explain.",
    ),
    "url-not-covered": error(
        what="The policy covers {resource}, not {url}{reason}.",
        why="CloudFront answers AccessDenied (Access denied).",
        fix="Sign the URL that is requested, with all of its parameters, or a resource with * that "
        "covers it.",
    ),
    "url-expired": error(
        what="The URL expired {since} ago, at {end}; the clock of this machine shows {now}.",
        why="CloudFront answers AccessDenied (Access denied).",
        fix="Make a new signed URL. If pages, mails or caches outlive their URLs, raise "
        "AWS_QUERYSTRING_EXPIRE, or link to a view that redirects to a new URL.",
    ),
    "url-not-yet": error(
        what="The URL becomes valid in {wait}, after {start}; the clock of this machine shows "
        "{now}.",
        why="CloudFront answers AccessDenied (Access denied) until date_greater_than has passed.",
        fix="Wait, or sign with an earlier date_greater_than. If the URL was meant to be valid "
        "now, the clock of the machine that signs is ahead.",
    ),
    "url-address": error(
        what="The URL is for viewers from {addresses}, not for {viewer_ip}.",
        why="CloudFront answers AccessDenied (Access denied). It checks the address of the "
        "connection: networks that share or change addresses, and IPv6, do not match.",
        fix="Sign without ip_address, or for a range; turn IPv6 off for the distribution.",
    ),
    "url-refusal-cors": note(
        what="Scripts of {origins} that request this URL may see a CORS error.",
        why="A refusal may have no CORS headers, and then an expired URL or cookie looks like a "
        "CORS error.",
        fix="Look at the status of the request in the network panel of the browser: 403 is a "
        "refusal.",
    ),
    "url-policy": note(
        what="What the URL grants, in words; and, if only viewers from some address may use it, "
        "how to pass one.",
    ),
    "url-good": note(
        what="The signature is that of this site's key {key} ({where}), and the URL is valid "
        "now. Whether CloudFront has the same key was not checked.",
        why="If CloudFront refuses it, it has no such key or another one under this ID, or the "
        "behavior does not trust a key group with it.",
        fix="Run manage.py cfsigned_doctor --object NAME, with the name of the file: it asks "
        "CloudFront.",
    ),
}


finding = partial(finding_of, CATALOG)


def in_general(kind: FindingType) -> str:
    """Return what all findings of a kind say, with names in place of values."""
    what = _MAY_BE_EMPTY.sub("", kind.what)
    return _VALUE.sub(lambda found: found[1].replace("_", " ").upper(), what)


def describe(type_id: str) -> Finding:
    """Return what a finding or a system check means. Raise ``KeyError`` if there is none."""
    if fix := TABLE.get(type_id):
        level, verb = (Level.ERROR, "fails") if ".E" in type_id else (Level.WARNING, "warns")
        what = f"The system check {type_id} {verb}."
        return check_finding(type_id, level, "settings", what=what, fix=fix)
    kind = CATALOG[type_id]
    return finding(type_id, type_id, what=in_general(kind))


def check_finding(check_id: str, level: Level, subject: str, *, what: str, fix: str) -> Finding:
    """Return a system check as a finding, which has the ID of the check."""
    works = (
        "cannot be made, or do not work" if level is Level.ERROR else "work, but not as intended"
    )
    why = f"Signed URLs {works}. manage.py check reports it as well."
    return Finding(id=check_id, level=level, what=what, why=why, fix=fix, subject=subject)
