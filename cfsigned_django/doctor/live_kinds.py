"""Hold the kinds of findings about what CloudFront and S3 answer."""

from __future__ import annotations

from cfsigned_django.doctor.findings import Kind, Level

LIVE_KINDS: dict[str, Kind] = {
    "no-answer": Kind(
        level=Level.ERROR,
        meaning="No answer comes from the domain, or not from HTTP",
        why="Nothing could be asked of CloudFront from here; viewers may fare better.",
        fix="Check that the domain resolves to the distribution (a CNAME or alias record), its "
        "certificate, and the network of this machine.",
    ),
    "not-cloudfront": Kind(
        level=Level.ERROR,
        meaning="The domain answers, but not as CloudFront",
        why="Another server, or a proxy in front, answers in its place; signatures mean nothing "
        "to it.",
        fix="Point the DNS record of AWS_S3_CUSTOM_DOMAIN at the domain name of the distribution.",
    ),
    "redirected": Kind(
        level=Level.ERROR,
        meaning="The domain sends viewers elsewhere",
        why="A signature is for one URL: where it leads to, it is refused, or another server is "
        "asked.",
        fix='Set AWS_S3_URL_PROTOCOL to "https:" where http is sent on to https, and '
        "AWS_S3_CUSTOM_DOMAIN to the host that answers by itself.",
    ),
    "html-answer": Kind(
        level=Level.ERROR,
        meaning="CloudFront refuses with an HTML page: AWS WAF, geographic restriction, a domain "
        "that is no alias, or a custom error page",
        why="The request did not come as far as its signature, or the page hides the reason.",
        fix="Look at the web ACL and the geographic restrictions of the distribution, at its "
        "alternate domain names and error pages, and allow the methods GET and HEAD.",
    ),
    "server-error": Kind(
        level=Level.ERROR,
        meaning="CloudFront or the origin failed (5xx)",
        why="This says nothing about signatures. Viewers see the same.",
        fix="Try again in a minute; then look at the origin of the distribution and its domain "
        "name, and at functions attached to the behavior.",
    ),
    "strange-answer": Kind(
        level=Level.ERROR,
        meaning="The answer is none that CloudFront or S3 is known to give there",
        why="Something else decides about the request: a function, a custom error page, or a "
        "proxy.",
        fix="Look at the functions and error pages of the behavior.",
    ),
    "unsigned-refused": Kind(
        level=Level.OK, meaning="A request without a signature is refused (MissingKey)"
    ),
    "unsigned-served": Kind(
        level=Level.ERROR,
        meaning="The object is served without a signature",
        why="Everybody who knows or guesses a name can read the file.",
        fix="Turn on Restrict viewer access, with the key group, for the behavior of this path "
        "and for every one before it that matches the path.",
    ),
    "unsigned-forwarded": Kind(
        level=Level.ERROR,
        meaning="S3, not CloudFront, answers a request without a signature",
        why="CloudFront asks for no signature on this path: only S3 keeps viewers out, and does "
        "so whether they have a link or not.",
        fix="Turn on Restrict viewer access, with the key group, for the behavior of this path.",
    ),
    "signed-served": Kind(level=Level.OK, meaning="The object is served with a signature"),
    "signed-passes": Kind(
        level=Level.OK,
        meaning="CloudFront accepts the signature; no object was named, so S3 has none to give",
    ),
    "signed-unknown-key": Kind(
        level=Level.ERROR,
        meaning="InvalidKey: CloudFront does not know the key, or does not trust it on this path",
        why="Every link of this site is refused.",
        fix="Compare AWS_CLOUDFRONT_KEY_ID with the public keys of the key group, and the key "
        "group with the behavior. A change takes a while to reach every edge; AWS names no time.",
    ),
    "signed-denied": Kind(
        level=Level.ERROR,
        meaning='AccessDenied of CloudFront ("Access denied", small d, no RequestId) for a fresh '
        "link",
        why="CloudFront knows the key id, and its public key is not the other half of the private "
        "key; or the URL is changed before it arrives.",
        fix="Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID to the two halves of one key pair, "
        "and look for a proxy that rewrites URLs.",
    ),
    "signed-missing-key": Kind(
        level=Level.ERROR,
        meaning="MissingKey for a request that has a Key-Pair-Id",
        why="The query was lost on the way.",
        fix="Look for a proxy or a function on viewer requests that drops query parameters.",
    ),
    "signed-malformed": Kind(
        level=Level.ERROR,
        meaning="MalformedPolicy or MalformedSignature for a fresh link",
        why="The parameters were changed on the way.",
        fix="Look for a proxy or a function on viewer requests that rewrites query parameters.",
    ),
    "signed-s3-denied": Kind(
        level=Level.ERROR,
        meaning='AccessDenied of S3 ("Access Denied" with RequestId): CloudFront let the request '
        "pass, S3 did not",
        why="The signature is good. Either CloudFront may not read the bucket, or the object is "
        "not there, which S3 answers in the same words to who may not list.",
        fix="Check the name; then the bucket policy and the origin access control. For objects "
        "that are encrypted with KMS, the key policy must allow CloudFront too.",
    ),
    "signed-not-found": Kind(
        level=Level.ERROR,
        meaning="The signature is good, and there is no such object",
        why="The name, AWS_LOCATION or the origin path of the distribution is another than in the "
        "bucket.",
        fix="Compare the path of the URL with the key of the object in S3; the origin path comes "
        "before it.",
    ),
    "tampered-refused": Kind(
        level=Level.OK, meaning="A signed URL that was changed is refused (AccessDenied)"
    ),
    "tampered-served": Kind(
        level=Level.ERROR,
        meaning="A signed URL is served although it was changed",
        why="Signatures are not checked: what answers is not CloudFront, or not this behavior.",
        fix="Look for a cache or proxy in front of CloudFront, and for what serves this domain.",
    ),
    "expired-refused": Kind(level=Level.OK, meaning="An expired URL is refused (AccessDenied)"),
    "expired-served": Kind(
        level=Level.ERROR,
        meaning="An expired URL is served",
        why="Links never end: a cache or proxy in front of CloudFront answers without asking it.",
        fix="Look for a cache or proxy in front of CloudFront that ignores the query.",
    ),
    "cors": Kind(
        level=Level.OK,
        meaning="Pages of the origin may read the object, also where CloudFront has it in its "
        "cache",
    ),
    "cors-untested": Kind(
        level=Level.OK,
        meaning="CORS was not tried, for no object was named",
        fix="Name an object that is there with --object to have CORS tried as well.",
    ),
    "cors-headers-missing": Kind(
        level=Level.ERROR,
        meaning="No Access-Control-Allow-Origin comes for the origin",
        why="Browsers hide the file from fetch(), canvas, fonts and crossorigin images of that "
        "page.",
        fix="Give the bucket a CORS rule for the origin, and the behavior the origin request "
        "policy CORS-S3Origin, or a response headers policy with CORS. Invalidate the path where "
        "the copy in the cache is older than that.",
    ),
    "cors-lost-in-cache": Kind(
        level=Level.ERROR,
        meaning="A cached object comes with the CORS headers of an earlier request, or without",
        why="Who asks first decides for all: after a request without Origin, pages are refused.",
        fix="Give the behavior the origin request policy CORS-S3Origin together with Origin in "
        "the cache key, or a response headers policy with CORS; then invalidate the path.",
    ),
    "cors-browser-cache": Kind(
        level=Level.OK,
        meaning="A known trap: Chrome reuses an image that a page loaded first without CORS",
        why="A copy that was fetched by a plain <img> has no CORS headers, and Chrome may take it "
        "from its cache for a later request with CORS, which then fails.",
        fix='Write crossorigin="anonymous" on every <img> of a URL that scripts or canvas use '
        "too: see {% signed_url %} in the documentation.",
    ),
    "s3-private": Kind(level=Level.OK, meaning="S3 refuses who comes without CloudFront"),
    "s3-open": Kind(
        level=Level.ERROR,
        meaning="S3 serves the object to everybody, past CloudFront",
        why="Everybody who knows the bucket and a name can read the file; no signature helps.",
        fix="Turn Block Public Access on for the bucket, and take Principal * out of its policy "
        "(manage.py cfsigned_setup --close-public).",
    ),
    "s3-lists": Kind(
        level=Level.ERROR,
        meaning="S3 tells everybody which objects are not there: the bucket may be listed",
        why="S3 says NoSuchKey only to who may list; everybody can find out every name.",
        fix="Turn Block Public Access on for the bucket, and take s3:ListBucket for * out of its "
        "policy.",
    ),
    "s3-no-bucket": Kind(
        level=Level.ERROR,
        meaning="There is no bucket of that name",
        why="Uploads fail, and CloudFront has nothing to serve; whoever creates a bucket of that "
        "name decides what it serves.",
        fix="Check AWS_STORAGE_BUCKET_NAME, or create the bucket (manage.py cfsigned_setup).",
    ),
    "s3-wrong-region": Kind(
        level=Level.WARNING,
        meaning="The bucket is in another region than the settings say",
        why="Uploads are redirected or fail.",
        fix="Set AWS_S3_REGION_NAME to the region of the bucket.",
    ),
    "s3-no-answer": Kind(
        level=Level.WARNING,
        meaning="S3 could not be asked without CloudFront",
        why="Whether the bucket is private was not tried.",
        fix="Check the network of this machine and AWS_S3_ENDPOINT_URL; try again in a minute.",
    ),
}
