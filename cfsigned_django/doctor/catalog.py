"""Every finding of the doctor. The ids are API: they keep their meaning."""

from __future__ import annotations

from cfsigned_django.aws.state.facts import FACTS, FactType, Level
from cfsigned_django.doctor.findings import Finding
from cfsigned_django.validation import TABLE

#: The part of a catalog that all findings of one ID have in common.
FindingType = FactType

_NEW_URL = "Make a new signed URL with url() or {% signed_url %}, and do not change it."

#: Id -> what its findings have in common, in the order in which a request meets them.
CATALOG: dict[str, FindingType] = {
    # Settings, keys and the clock.
    "settings": FindingType(level=Level.OK, what="The system checks of this package find nothing"),
    "check-warning": FindingType(
        level=Level.WARNING,
        what="A system check warns. The finding has the id of the check, such as cfsigned.W001",
        why="Signed URLs work, but not as intended. manage.py check reports it as well.",
        fix="Do what the check says. See the page on system checks.",
    ),
    "check-error": FindingType(
        level=Level.ERROR,
        what="A system check fails. The finding has the id of the check, such as cfsigned.E001",
        why="Signed URLs cannot be made, or do not work. manage.py check reports it as well.",
        fix="Do what the check says. See the page on system checks.",
    ),
    "cannot-sign": FindingType(
        level=Level.ERROR,
        what="The storage cannot sign now",
        why="url() raises the same error, and pages with signed URLs fail.",
        fix="Do what the message says. manage.py cfsigned_rotate shows the keys of the database.",
    ),
    "foreign-signer": FindingType(
        level=Level.WARNING,
        what="The storage signs with a signer that is not from this package",
        why="Its key is unknown, so keys, signed requests and the key group were not checked.",
        fix="Remove cloudfront_signer, and set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID.",
    ),
    "changed-url": FindingType(
        level=Level.ERROR,
        what="The url() of a subclass changed the URL after it was signed",
        why="CloudFront refuses a URL that is not the signed one.",
        fix="Let the class change the name or the options (custom_domain, location), not the URL "
        "that the package returns.",
    ),
    "unsigned-url": FindingType(
        level=Level.OK,
        what="The url() of a subclass returned a URL without a signature",
        why="This is right if the file is public. If its behavior restricts viewer access, "
        "CloudFront refuses the URL.",
        fix="If the file is private, let the class return what url() of the package returns.",
    ),
    "database": FindingType(
        level=Level.ERROR,
        what="The key pairs of the database cannot be read",
        why="New processes cannot find out which key is ACTIVE.",
        fix="Check DATABASES, and whether the database server runs. If the table does not exist "
        "yet, run manage.py migrate.",
    ),
    "cannot-decrypt": FindingType(
        level=Level.ERROR,
        what="A private key of the database cannot be decrypted",
        why="Nothing can be signed with it. If it is ACTIVE, no URL can be signed; otherwise, the "
        "next rotation fails.",
        fix="Add the previous SECRET_KEY to SECRET_KEY_FALLBACKS, or the previous key to "
        "AWS_CLOUDFRONT_ENCRYPTION_KEYS; then run manage.py cfsigned_rotate --re-encrypt.",
    ),
    "key-pair-differs": FindingType(
        level=Level.ERROR,
        what="The private key of a key pair in the database does not belong to its row, or does "
        "not match its public key",
        why="It is not used, or CloudFront refuses what it signs.",
        fix="The row was edited or only partly restored. Find out who can write to the database. "
        "Revoke the key pair in the admin, and start a rotation.",
    ),
    "old-encryption": FindingType(
        level=Level.WARNING,
        what="A private key of the database is not encrypted with the newest encryption key",
        why="It signs if it is ACTIVE. A key with an old encryption cannot begin to sign if "
        "AWS_CLOUDFRONT_ENCRYPTION_KEYS is set, and none can be decrypted once the previous "
        "SECRET_KEY or encryption key is removed from the settings.",
        fix="Run manage.py cfsigned_rotate --re-encrypt, or --start if the finding says so.",
    ),
    "weak-secret-key": FindingType(
        level=Level.WARNING,
        what="A SECRET_KEY that can be guessed encrypts the private keys of the database",
        why="Anyone who reads a backup of the database and guesses SECRET_KEY can sign URLs.",
        fix=TABLE["cfsigned.W012"],
    ),
    "signing-key": FindingType(level=Level.OK, what="Which key signs, and where it comes from"),
    "rotation-waits": FindingType(
        level=Level.OK,
        what="What a rotation waits for, in the words of the admin page and cfsigned_rotate",
    ),
    "rotation-stuck": FindingType(
        level=Level.WARNING,
        what="A step of a rotation has been due for 3 days",
        why="URLs work, but an old key is still trusted, or a new key does not sign yet.",
        fix="Do what the message says. See the page on rotating keys.",
    ),
    "clock": FindingType(level=Level.OK, what="The clock agrees with CloudFront's"),
    "clock-off": FindingType(
        level=Level.WARNING,
        what="The clock differs from CloudFront's by more than 30 seconds",
        why="Signed URLs expire that much too early or too late, and those with a start time are "
        "refused at first.",
        fix="Let NTP set the clock of this machine (timedatectl set-ntp true).",
    ),
    "clock-wrong": FindingType(
        level=Level.ERROR,
        what="The clock differs from CloudFront's by more than 5 minutes, or by more than the "
        "lifetime of URLs",
        why="If the clock is slow, short-lived URLs have already expired when they are made; if it "
        "is fast, URLs live too long. If it is far off, AWS refuses API calls as well "
        "(RequestTimeTooSkewed).",
        fix="Set the clock, and let NTP keep it right (timedatectl set-ntp true).",
    ),
    "clock-unknown": FindingType(
        level=Level.WARNING,
        what="The answer of CloudFront has no readable Date header",
        why="The clock could not be compared. If it is wrong, signed URLs are refused.",
        fix="Compare the clock by hand, and look for a proxy that removes headers.",
    ),
    # What AWS's API says.
    "aws-unreadable": FindingType(
        level=Level.ERROR,
        what="AWS could not be asked: permission, throttling, network, region or account",
        why="What depends on it was not checked, so it may or may not be in order.",
        fix="Do what the message says, or skip AWS with --offline.",
    ),
    "aws-not-asked": FindingType(
        level=Level.OK, what="AWS could not be asked which keys it trusts (--explain)"
    ),
    "local-edge": FindingType(
        level=Level.OK,
        what="The domain is this machine, and no distribution is configured: AWS was not asked",
        why="The local edge answers in place of CloudFront, so the configuration at AWS does not "
        "matter.",
        fix="Set AWS_CLOUDFRONT_DISTRIBUTION_ID, or --distribution, to check AWS as well.",
    ),
    "invalidation": FindingType(
        level=Level.OK, what="The site can let CloudFront forget deleted and overwritten files"
    ),
    "cannot-invalidate": FindingType(
        level=Level.ERROR,
        what="CloudFront refuses to forget a file: the distribution is of another account, or a "
        "permission is missing",
        why="Deleted and overwritten files are served until the TTL of their copies ends.",
        fix="Do what the message says. manage.py cfsigned_setup --iam has the policy of the site.",
    ),
    "variants-kept": FindingType(
        level=Level.WARNING,
        what="Query strings are in the cache key, but files are invalidated without them",
        why="The copies of a deleted file that were requested with download= are still served.",
        fix="Set AWS_CLOUDFRONT_INVALIDATE_VARIANTS = True.",
    ),
    **FACTS,
    # What CloudFront and S3 answer.
    "no-answer": FindingType(
        level=Level.ERROR,
        what="The domain does not answer, or not with HTTP",
        why="This machine could not request anything from CloudFront. Viewers may still be able "
        "to connect.",
        fix="Check that the domain resolves to the distribution (a CNAME or alias record), and "
        "check its certificate and the network of this machine.",
    ),
    "not-cloudfront": FindingType(
        level=Level.ERROR,
        what="The domain answers, but the answer is not from CloudFront",
        why="Another server, or a proxy in front of CloudFront, answers. It does not check "
        "signatures.",
        fix="Point the DNS record of AWS_S3_CUSTOM_DOMAIN at the domain name of the distribution.",
    ),
    "redirected": FindingType(
        level=Level.ERROR,
        what="The domain redirects viewers",
        why="A signature is valid for one URL: at the target, it is refused, or another server "
        "answers.",
        fix='Set AWS_S3_URL_PROTOCOL to "https:" if http redirects to https, and '
        "AWS_S3_CUSTOM_DOMAIN to a host that does not redirect.",
    ),
    "html-answer": FindingType(
        level=Level.ERROR,
        what="CloudFront refuses with an HTML page: AWS WAF, a geographic restriction, a domain "
        "that is not an alias, or a custom error page",
        why="CloudFront refused before it checked the signature, or the page hides the reason.",
        fix="Check the web ACL, the geographic restrictions, the alternate domain names and the "
        "error pages of the distribution, and allow the methods GET and HEAD.",
    ),
    "server-error": FindingType(
        level=Level.ERROR,
        what="CloudFront or the origin failed (5xx)",
        why="This says nothing about signatures. Viewers get the same answer.",
        fix="Try again in a minute. If it fails again, check the origin of the distribution, its "
        "domain name, and the functions of the behavior.",
    ),
    "strange-answer": FindingType(
        level=Level.ERROR,
        what="Neither CloudFront nor S3 is known to give this answer",
        why="Something else handles the request: a function, a custom error page, or a proxy.",
        fix="Check the functions and error pages of the behavior.",
    ),
    "unsigned-refused": FindingType(
        level=Level.OK, what="A request without a signature is refused (MissingKey)"
    ),
    "unsigned-served": FindingType(
        level=Level.ERROR,
        what="The object is served without a signature",
        why="Anyone who knows or guesses a name can read the file.",
        fix="Turn on Restrict viewer access, with the key group, for the behavior of this path "
        "and for every one before it that matches the path.",
    ),
    "unsigned-forwarded": FindingType(
        level=Level.ERROR,
        what="S3, not CloudFront, answers a request without a signature",
        why="CloudFront requires no signature on this path. Only S3 keeps viewers out, with or "
        "without a signed URL.",
        fix="Turn on Restrict viewer access, with the key group, for the behavior of this path.",
    ),
    "signed-served": FindingType(level=Level.OK, what="The object is served with a signature"),
    "signed-passes": FindingType(
        level=Level.OK,
        what="CloudFront accepts the signature. No object was named, so S3 has nothing to serve",
    ),
    "signed-unknown-key": FindingType(
        level=Level.ERROR,
        what="InvalidKey: CloudFront does not know the key, or does not trust it on this path",
        why="Every signed URL of this site is refused.",
        fix="Compare AWS_CLOUDFRONT_KEY_ID with the public keys of the key group, and the key "
        "group with the behavior. A change takes a while to reach every edge; AWS does not say how "
        "long.",
    ),
    "signed-denied": FindingType(
        level=Level.ERROR,
        what='CloudFront answers AccessDenied ("Access denied", small d, no RequestId) to a new '
        "URL",
        why="CloudFront knows the key ID, but its public key does not match the private key; or "
        "the URL is changed on its way.",
        fix="Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID to the private key and the public "
        "key ID of one key pair, and look for a proxy that rewrites URLs.",
    ),
    "signed-missing-key": FindingType(
        level=Level.ERROR,
        what="CloudFront answers MissingKey to a request that has a Key-Pair-Id",
        why="The query was lost on its way.",
        fix="Look for a proxy or a viewer request function that removes query parameters.",
    ),
    "signed-malformed": FindingType(
        level=Level.ERROR,
        what="CloudFront answers MalformedPolicy or MalformedSignature to a new URL",
        why="The parameters were changed on their way.",
        fix="Look for a proxy or a viewer request function that rewrites query parameters.",
    ),
    "signed-s3-denied": FindingType(
        level=Level.ERROR,
        what='S3 answers AccessDenied ("Access Denied" with RequestId) to a request that '
        "CloudFront accepted",
        why="The signature is good. Either CloudFront may not read the object, or the object does "
        "not exist: S3 gives the same answer to a reader that may not list the bucket.",
        fix="Compare the name with the key of the object in S3. If the object exists, look for a "
        "Deny statement in the bucket policy, for a KMS key (SSE-KMS) whose key policy does not "
        "allow CloudFront, and for an object that another AWS account owns.",
    ),
    "signed-not-found": FindingType(
        level=Level.ERROR,
        what="The signature is good, but the object does not exist",
        why="The name, AWS_LOCATION or the origin path of the distribution does not match the "
        "bucket.",
        fix="Compare the path of the URL with the key of the object in S3; the origin path comes "
        "before it.",
    ),
    "tampered-refused": FindingType(
        level=Level.OK, what="A signed URL that was changed is refused (AccessDenied)"
    ),
    "tampered-served": FindingType(
        level=Level.ERROR,
        what="A signed URL that was changed is served",
        why="Signatures are not checked: the answer is not from CloudFront, or another behavior "
        "serves this path.",
        fix="Look for a cache or proxy in front of CloudFront, and check which server answers for "
        "this domain.",
    ),
    "expired-refused": FindingType(level=Level.OK, what="An expired URL is refused (AccessDenied)"),
    "expired-served": FindingType(
        level=Level.ERROR,
        what="An expired URL is served",
        why="Signed URLs never expire: a cache or proxy in front of CloudFront answers without "
        "asking CloudFront.",
        fix="Look for a cache or proxy in front of CloudFront that ignores the query.",
    ),
    "cors": FindingType(
        level=Level.OK,
        what="Pages of the origin may read the object, cached or not",
    ),
    "cors-untested": FindingType(
        level=Level.OK,
        what="CORS was not checked, since no object was named",
        fix="Name an existing object with --object to check CORS as well.",
    ),
    "cors-headers-missing": FindingType(
        level=Level.ERROR,
        what="The answer has no Access-Control-Allow-Origin for the origin",
        why="Browsers hide the file from fetch(), canvas, fonts and crossorigin images of pages of "
        "that origin.",
        fix="Give the bucket a CORS rule for the origin, and the behavior the origin request "
        "policy CORS-S3Origin, or a response headers policy with CORS. Invalidate the path if the "
        "cached copy is older than that change.",
    ),
    "cors-lost-in-cache": FindingType(
        level=Level.ERROR,
        what="A cached object has the CORS headers of an earlier request, or none",
        why="The first request decides for all: after a request without Origin, pages are refused.",
        fix="Give the behavior the origin request policy CORS-S3Origin together with Origin in "
        "the cache key, or a response headers policy with CORS; then invalidate the path.",
    ),
    "cors-browser-cache": FindingType(
        level=Level.OK,
        what="Chrome reuses an image that a page loaded first without CORS",
        why="A copy that a plain <img> has fetched has no CORS headers. Chrome may take it from "
        "its cache for a later request with CORS, which then fails.",
        fix='Write crossorigin="anonymous" on every <img> whose URL scripts or canvas use too: see '
        "{% signed_url %} in the documentation.",
    ),
    "s3-private": FindingType(
        level=Level.OK, what="S3 refuses requests that do not come through CloudFront"
    ),
    "s3-open": FindingType(
        level=Level.ERROR,
        what="S3 serves the object to anyone, without CloudFront",
        why="Anyone who knows the bucket and a name can read the file, without a signature.",
        fix="Turn on Block Public Access for the bucket, and remove Principal * from its policy.",
    ),
    "s3-lists": FindingType(
        level=Level.ERROR,
        what="S3 tells anyone which objects do not exist: anyone can list the bucket",
        why="S3 answers NoSuchKey only to readers that may list the bucket, so anyone can find out "
        "every name.",
        fix="Turn on Block Public Access for the bucket, and remove s3:ListBucket for * from its "
        "policy.",
    ),
    "s3-no-bucket": FindingType(
        level=Level.ERROR,
        what="The bucket does not exist",
        why="Uploads fail, and CloudFront has nothing to serve. Anyone who creates a bucket of "
        "that name decides what it serves.",
        fix="Check AWS_STORAGE_BUCKET_NAME, or create the bucket.",
    ),
    "s3-wrong-region": FindingType(
        level=Level.WARNING,
        what="The bucket is not in the region of the settings",
        why="Uploads are redirected or fail.",
        fix="Set AWS_S3_REGION_NAME to the region of the bucket.",
    ),
    "s3-no-answer": FindingType(
        level=Level.WARNING,
        what="S3 does not answer, or gives an unexpected answer, without CloudFront",
        why="Whether the bucket is private could not be checked.",
        fix="Check the network of this machine and AWS_S3_ENDPOINT_URL, and try again in a minute.",
    ),
    # One URL: cfsigned_doctor --explain.
    "url-not-absolute": FindingType(
        level=Level.ERROR,
        what="The text is not an http or https URL",
        why="CloudFront signs whole URLs. A part of one cannot be checked.",
        fix="Pass the whole URL, from https:// to its end, in single quotes.",
    ),
    "url-copied": FindingType(
        level=Level.WARNING,
        what="The text has quotes, spaces, line breaks or backslashes that do not belong to the "
        "URL",
        why="The findings below are about the URL without them. If a client sends them, CloudFront "
        "refuses the request.",
        fix="Check whether they were added when the URL was copied, or are in the page, mail or "
        "script.",
    ),
    "url-html-escaped": FindingType(
        level=Level.ERROR,
        what="The URL has &amp; in place of &",
        why="That is right in the source of an HTML page, and wrong anywhere else: CloudFront "
        "finds no Key-Pair-Id and answers MissingKey.",
        fix="Escape once: use {% signed_url ... as url %} outside HTML, and do not mark escaped "
        "text as safe. If the URL was copied from the source of a page, nothing is wrong.",
    ),
    "url-json-escaped": FindingType(
        level=Level.ERROR,
        what="The URL has \\u0026 or \\/, which are escapes of JSON or JavaScript",
        why="That is right within JSON, and wrong in a request: CloudFront finds no parameters.",
        fix="Parse the JSON before you use the URL. If the URL was copied from JSON, nothing is "
        "wrong.",
    ),
    "url-double-encoded": FindingType(
        level=Level.ERROR,
        what="The URL, or a CloudFront parameter in it, was percent-encoded twice",
        why="Clients send the URL as it is: CloudFront finds no parameters, or a path and values "
        "that were not signed.",
        fix="Remove the code that quotes the finished URL (quote, urlencode, encodeURI): a signed "
        "URL is complete.",
    ),
    "url-fragment": FindingType(
        level=Level.ERROR,
        what="The parameters come after a #",
        why="Clients do not send what follows a #, so CloudFront never receives the signature.",
        fix="Encode a # in a file name as %23; url() does so.",
    ),
    "url-presigned-s3": FindingType(
        level=Level.ERROR,
        what="The URL is a presigned URL of S3",
        why="It bypasses CloudFront, or CloudFront finds no Key-Pair-Id in it and answers "
        "MissingKey.",
        fix="Set cfsigned_django.storage.CloudFrontS3Storage as the BACKEND in STORAGES, and set "
        "AWS_S3_CUSTOM_DOMAIN: without a domain, django-storages presigns URLs of S3, without a "
        "warning.",
    ),
    "url-s3-address": FindingType(
        level=Level.ERROR,
        what="The URL leads to S3, not to CloudFront",
        why="S3 does not check CloudFront signatures, and a private bucket refuses every such "
        "request.",
        fix="Set AWS_S3_CUSTOM_DOMAIN to the domain of the distribution.",
    ),
    "url-other-domain": FindingType(
        level=Level.ERROR,
        what="No storage of this site signs URLs for this host",
        why="The domain is signed too: a URL signed for one domain is refused at another, even if "
        "both belong to one distribution.",
        fix="Use the URL as url() returns it, and set AWS_S3_CUSTOM_DOMAIN to the domain that "
        "viewers must use.",
    ),
    "url-too-long": FindingType(
        level=Level.ERROR,
        what="The URL is longer than CloudFront's quota of 8192 bytes",
        why="CloudFront does not read it.",
        fix="Shorten the name or the parameters, or sign with an ECDSA key, whose signature is "
        "shorter.",
    ),
    "url-unsigned": FindingType(
        level=Level.ERROR,
        what="The URL has no CloudFront parameters",
        why="CloudFront answers MissingKey, unless the request has signed cookies.",
        fix="Use url() or {% signed_url %}. Look for code that removes the query, such as a cache "
        "key, a thumbnail library or urlsplit().",
    ),
    "url-parameter-case": FindingType(
        level=Level.ERROR,
        what="A CloudFront parameter is spelled in another case",
        why="AWS names them Expires, Policy, Signature, Key-Pair-Id and Hash-Algorithm, and does "
        "not document any other case.",
        fix="Look for a proxy or client that changes parameters to lowercase. " + _NEW_URL,
    ),
    "url-incomplete": FindingType(
        level=Level.ERROR,
        what="A CloudFront parameter is missing",
        why="CloudFront requires a Key-Pair-Id, a Signature, and either Expires or Policy.",
        fix="The URL was cut off: in a mail, by an unquoted & in a shell, or by a column that is "
        "too short. " + _NEW_URL,
    ),
    "url-key-id": FindingType(
        level=Level.ERROR,
        what="The Key-Pair-Id is not a public key ID",
        why="CloudFront looks the key up by its public key ID (K...), and by nothing else.",
        fix="Set AWS_CLOUDFRONT_KEY_ID to the ID under CloudFront > Key management > Public keys.",
    ),
    "url-unknown-key": FindingType(
        level=Level.ERROR,
        what="The URL names a key that this site does not have",
        why="CloudFront answers InvalidKey (Unknown Key), unless another site has added that key "
        "to the key group. Its signature cannot be checked here.",
        fix="Compare AWS_CLOUDFRONT_KEY_ID with CloudFront > Key management > Public keys, and "
        "find out which site or environment made the URL.",
    ),
    "url-key-ended": FindingType(
        level=Level.ERROR,
        what="The key that signed the URL was retired or revoked",
        why="CloudFront no longer knows the key and answers InvalidKey (Unknown Key).",
        fix=_NEW_URL,
    ),
    "url-key-not-in-group": FindingType(
        level=Level.ERROR,
        what="The key that signed the URL is not in any key group of the storages with its host",
        why="CloudFront answers InvalidKey (Unknown Key).",
        fix="Find out which storage or site made the URL. If it is this one, compare its key and "
        "its key group with CloudFront > Key management > Key groups.",
    ),
    "url-malformed-signature": FindingType(
        level=Level.ERROR,
        what="The Signature is cut off, or is not CloudFront's base64",
        why="CloudFront answers MalformedSignature (Could not unencode Signature) or AccessDenied.",
        fix="The URL was cut off or changed on its way: compare its length with a new one. "
        + _NEW_URL,
    ),
    "url-malformed-policy": FindingType(
        level=Level.ERROR,
        what="The policy, or Expires, cannot be read",
        why="CloudFront answers MalformedPolicy.",
        fix="Times must be Unix seconds, not milliseconds, and the Policy must be CloudFront's "
        "base64 (-_~), not base64url. " + _NEW_URL,
    ),
    "url-refused": FindingType(
        level=Level.ERROR,
        what="A CloudFront parameter appears twice, or has a value that CloudFront does not accept",
        why="AWS does not document what CloudFront does in that case; expect a refusal.",
        fix=_NEW_URL,
    ),
    "url-signature-mismatch": FindingType(
        level=Level.ERROR,
        what="The signature does not match: the URL, its policy or the key is not the one that "
        "was signed",
        why="CloudFront answers AccessDenied (Access denied), as for an expired URL.",
        fix="Use the URL byte for byte as url() returns it. If a new URL fails as well, the "
        "private key does not match the key ID: run cfsigned_doctor without --explain.",
    ),
    "url-not-covered": FindingType(
        level=Level.ERROR,
        what="The policy is valid, but for another URL",
        why="CloudFront answers AccessDenied (Access denied).",
        fix="Sign the URL that is requested, with all of its parameters, or a resource with * that "
        "covers it.",
    ),
    "url-expired": FindingType(
        level=Level.ERROR,
        what="The URL has expired",
        why="CloudFront answers AccessDenied (Access denied).",
        fix="Make a new signed URL. If pages, mails or caches outlive their URLs, raise "
        "AWS_QUERYSTRING_EXPIRE, or link to a view that redirects to a new URL.",
    ),
    "url-not-yet": FindingType(
        level=Level.ERROR,
        what="The URL is not valid yet",
        why="CloudFront answers AccessDenied (Access denied) until date_greater_than has passed.",
        fix="Wait, or sign with an earlier date_greater_than. If the URL was meant to be valid "
        "now, the clock of the machine that signs is ahead.",
    ),
    "url-address": FindingType(
        level=Level.ERROR,
        what="The URL is not for the viewer's address",
        why="CloudFront answers AccessDenied (Access denied). It checks the address of the "
        "connection: networks that share or change addresses, and IPv6, do not match.",
        fix="Sign without ip_address, or for a range; turn IPv6 off for the distribution.",
    ),
    "url-bound-to-address": FindingType(
        level=Level.WARNING,
        what="The URL is only for some addresses, and no viewer's address was given",
        why="All other viewers are refused with AccessDenied (Access denied).",
        fix="Pass the viewer's address with --viewer-ip.",
    ),
    "url-refusal-cors": FindingType(
        level=Level.OK,
        what="A browser may report the refusal as a CORS error (with --cors-origin)",
        why="A refusal may have no CORS headers, and then an expired URL or cookie looks like a "
        "CORS error.",
        fix="Look at the status of the request in the network panel of the browser: 403 is a "
        "refusal.",
    ),
    "url-policy": FindingType(level=Level.OK, what="What the URL grants, in words"),
    "url-good": FindingType(
        level=Level.OK,
        what="Nothing is wrong with the URL itself, as far as this site's key or, if AWS was "
        "asked, the one at CloudFront can tell",
        why="If CloudFront refuses it, it has no such key or another one under this ID, or the "
        "behavior does not trust a key group with it.",
        fix="Run manage.py cfsigned_doctor --object NAME, with the name of the file: it asks "
        "CloudFront.",
    ),
}


def finding(
    type_id: str, what: str, *, subject: str, why: str | None = None, fix: str | None = None
) -> Finding:
    """Return a finding; ``why`` and ``fix`` are those of its type unless given."""
    found_type = CATALOG[type_id]
    return Finding(
        id=type_id,
        level=found_type.level,
        what=what,
        why=found_type.why if why is None else why,
        fix=found_type.fix if fix is None else fix,
        subject=subject,
    )
