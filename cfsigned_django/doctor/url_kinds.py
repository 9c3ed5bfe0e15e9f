"""Hold the kinds of findings about one URL: cfsigned_doctor --explain."""

from __future__ import annotations

from cfsigned_django.doctor.findings import Kind, Level

_NEW_LINK = "Make a new link with url() or {% signed_url %}, and use it as it comes."

URL_KINDS: dict[str, Kind] = {
    "url-not-absolute": Kind(
        level=Level.ERROR,
        meaning="The text is no http or https URL",
        why="CloudFront signs whole URLs; nothing can be said about a part of one.",
        fix="Give the whole URL, from https:// to its end, in single quotes.",
    ),
    "url-copied": Kind(
        level=Level.WARNING,
        meaning="The text has quotes, spaces, line breaks or backslashes that are not the URL's",
        why="The findings below are about the URL without them. A client that sends them is "
        "refused.",
        fix="Look whether they came with the copying, or stand in the page, mail or script.",
    ),
    "url-html-escaped": Kind(
        level=Level.ERROR,
        meaning="The URL has &amp; where & belongs",
        why="Right in the source of an HTML page, wrong anywhere else: CloudFront then finds no "
        "Key-Pair-Id and answers MissingKey.",
        fix="Escape once: use {% signed_url ... as url %} where no HTML is written, and mark "
        "nothing safe that was escaped before. Not broken if the URL was copied from a page's "
        "source.",
    ),
    "url-json-escaped": Kind(
        level=Level.ERROR,
        meaning="The URL has \\u0026 or \\/ of JSON or JavaScript in it",
        why="Right within JSON, wrong in a request: CloudFront finds no parameters.",
        fix="Parse the JSON before the URL is used. Not broken if the URL was copied out of JSON.",
    ),
    "url-double-encoded": Kind(
        level=Level.ERROR,
        meaning="The URL, or a parameter of CloudFront in it, was percent-encoded once too often",
        why="Clients send what they are given: CloudFront then finds no parameters, or a path and "
        "values that are not those that were signed.",
        fix="Take the code away that quotes the finished URL (quote, urlencode, encodeURI): a "
        "signed URL is complete.",
    ),
    "url-fragment": Kind(
        level=Level.ERROR,
        meaning="The parameters stand behind a #",
        why="Clients keep what follows a # to themselves: CloudFront never sees the signature.",
        fix="Encode a # of a file name as %23; url() does so.",
    ),
    "url-presigned-s3": Kind(
        level=Level.ERROR,
        meaning="The URL is a presigned URL of S3",
        why="It goes past CloudFront to the bucket, or CloudFront finds no Key-Pair-Id in it "
        "and answers MissingKey.",
        fix="Name cfsigned_django.storage.CloudFrontS3Storage as the BACKEND in STORAGES, and set "
        "AWS_S3_CUSTOM_DOMAIN: without a domain, django-storages presigns for S3 in silence.",
    ),
    "url-s3-address": Kind(
        level=Level.ERROR,
        meaning="The URL leads to S3 and not to CloudFront",
        why="S3 knows no CloudFront signature, and a private bucket refuses every such request.",
        fix="Set AWS_S3_CUSTOM_DOMAIN to the domain of the distribution.",
    ),
    "url-other-domain": Kind(
        level=Level.ERROR,
        meaning="The host is not the domain that a storage of this site signs for",
        why="The domain is part of what is signed: a link for one domain is refused at another, "
        "also where both belong to one distribution.",
        fix="Use the link as url() gives it, and set AWS_S3_CUSTOM_DOMAIN to the domain that "
        "viewers shall use.",
    ),
    "url-too-long": Kind(
        level=Level.ERROR,
        meaning="The URL is longer than CloudFront's quota of 8192 bytes",
        why="CloudFront does not read it.",
        fix="Shorten the name or the parameters, or sign with an ECDSA key, whose signature is "
        "shorter.",
    ),
    "url-unsigned": Kind(
        level=Level.ERROR,
        meaning="The URL has no parameter of CloudFront",
        why="CloudFront answers MissingKey, unless the request brings signed cookies.",
        fix="Use url() or {% signed_url %}; look for code that cuts the query off, such as a "
        "cache key, a thumbnail library or urlsplit().",
    ),
    "url-parameter-case": Kind(
        level=Level.ERROR,
        meaning="A parameter of CloudFront is spelt in another case",
        why="AWS names them Expires, Policy, Signature, Key-Pair-Id and Hash-Algorithm, and does "
        "not say that another case is understood.",
        fix="Look for a proxy or client that lowers parameters. " + _NEW_LINK,
    ),
    "url-incomplete": Kind(
        level=Level.ERROR,
        meaning="A parameter of CloudFront is missing",
        why="CloudFront wants a Key-Pair-Id, a Signature, and one of Expires and Policy.",
        fix="The link was cut on its way: in a mail, by an unquoted & in a shell, or by a column "
        "that is too short. " + _NEW_LINK,
    ),
    "url-key-id": Kind(
        level=Level.ERROR,
        meaning="The Key-Pair-Id is not the id of a public key",
        why="CloudFront looks the key up by the id of the public key (K...), and by nothing else.",
        fix="Set AWS_CLOUDFRONT_KEY_ID to that id: CloudFront > Key management > Public keys.",
    ),
    "url-unknown-key": Kind(
        level=Level.ERROR,
        meaning="The key that the URL names is none of this site's",
        why="CloudFront answers InvalidKey (Unknown Key) unless another site put that key into the "
        "key group. Its signature cannot be checked here.",
        fix="Compare AWS_CLOUDFRONT_KEY_ID with CloudFront > Key management > Public keys, and ask "
        "which site or environment made the link.",
    ),
    "url-key-ended": Kind(
        level=Level.ERROR,
        meaning="The key that signed the URL was retired or revoked",
        why="CloudFront no longer knows the key and answers InvalidKey (Unknown Key).",
        fix=_NEW_LINK,
    ),
    "url-key-not-in-group": Kind(
        level=Level.ERROR,
        meaning="The key that signed the URL is in no key group of the storages with its host",
        why="CloudFront answers InvalidKey (Unknown Key).",
        fix="Ask which storage or site made the link. If it is this one, compare its key and its "
        "key group with CloudFront > Key management > Key groups.",
    ),
    "url-malformed-signature": Kind(
        level=Level.ERROR,
        meaning="The Signature is cut off, or not CloudFront's base64",
        why="CloudFront answers MalformedSignature (Could not unencode Signature) or AccessDenied.",
        fix="The link was cut or changed on its way: compare its length with a fresh one. "
        + _NEW_LINK,
    ),
    "url-malformed-policy": Kind(
        level=Level.ERROR,
        meaning="The policy, or Expires, cannot be read",
        why="CloudFront answers MalformedPolicy.",
        fix="Times are Unix seconds, not milliseconds, and the Policy is CloudFront's base64 "
        "(-_~), not base64url. " + _NEW_LINK,
    ),
    "url-refused": Kind(
        level=Level.ERROR,
        meaning="A parameter of CloudFront is there twice, or has a value that it does not take",
        why="What CloudFront makes of it is not documented; the safe reading is a refusal.",
        fix=_NEW_LINK,
    ),
    "url-signature-mismatch": Kind(
        level=Level.ERROR,
        meaning="The signature does not fit: the URL, its policy or the key is another",
        why="CloudFront answers AccessDenied (Access denied), as for an expired link.",
        fix="Use the link byte for byte as url() gives it. If a fresh link fails as well, the "
        "private key does not belong to the key id: run cfsigned_doctor without --explain.",
    ),
    "url-not-covered": Kind(
        level=Level.ERROR,
        meaning="The policy is good, but for another URL",
        why="CloudFront answers AccessDenied (Access denied).",
        fix="Sign the URL that is requested, with all of its parameters, or a resource with * that "
        "covers it.",
    ),
    "url-expired": Kind(
        level=Level.ERROR,
        meaning="The URL has expired",
        why="CloudFront answers AccessDenied (Access denied).",
        fix="Make a new link. Where pages, mails or caches outlive their links, raise "
        "AWS_QUERYSTRING_EXPIRE, or link to a view that redirects to a fresh one.",
    ),
    "url-not-yet": Kind(
        level=Level.ERROR,
        meaning="The URL is not valid yet",
        why="CloudFront answers AccessDenied (Access denied) until date_greater_than has passed.",
        fix="Wait, or sign with an earlier date_greater_than; if it was meant to be now, the "
        "signing machine's clock is ahead.",
    ),
    "url-address": Kind(
        level=Level.ERROR,
        meaning="The viewer's address is not the one that the URL is for",
        why="CloudFront answers AccessDenied (Access denied). It looks at the address of the "
        "connection: networks that share or change addresses, and IPv6, do not fit.",
        fix="Sign without ip_address, or for a range; switch IPv6 off for the distribution.",
    ),
    "url-bound-to-address": Kind(
        level=Level.WARNING,
        meaning="The URL is for some addresses only, and no viewer's address was given",
        why="Everybody else is refused with AccessDenied (Access denied).",
        fix="Give the viewer's address with --viewer-ip.",
    ),
    "url-policy": Kind(level=Level.OK, meaning="What the URL grants, in words"),
    "url-good": Kind(
        level=Level.OK,
        meaning="Nothing is wrong with the URL itself",
        why="If it is refused, the cause lies at AWS.",
        fix="Run cfsigned_doctor without --explain, with --object and the name of the file.",
    ),
}
