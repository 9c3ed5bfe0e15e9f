"""Hold the kinds of findings about the origin, the bucket, and what CloudFront passes on."""

from __future__ import annotations

from cfsigned_django.doctor.findings import Kind, Level

BUCKET_KINDS: dict[str, Kind] = {
    "origin": Kind(level=Level.OK, meaning="The behavior reads the bucket, by one way in"),
    "origin-not-bucket": Kind(
        level=Level.ERROR,
        meaning="The behavior does not read the bucket of the storage",
        why="Files that the site stores are not found under their links.",
        fix="Choose the origin of the bucket for the behavior, or mend AWS_STORAGE_BUCKET_NAME.",
    ),
    "origin-website": Kind(
        level=Level.ERROR,
        meaning="The origin is the website endpoint of the bucket",
        why="A website endpoint serves public buckets only: signatures can be bypassed.",
        fix="Use the bucket's REST endpoint (NAME.s3.REGION.amazonaws.com) as origin, with an "
        "origin access control.",
    ),
    "origin-path": Kind(
        level=Level.WARNING,
        meaning="The origin has an origin path, under which the storage does not save",
        why="CloudFront puts the origin path before the path of a link: it looks for the files "
        "elsewhere than the storage saves them, unless a function changes the path.",
        fix="Empty the origin path, or read the bucket by an origin that has none.",
    ),
    "no-origin-access": Kind(
        level=Level.ERROR,
        meaning="The origin has neither an origin access control nor an identity",
        why="CloudFront comes to S3 as a stranger: a private bucket refuses it (Access Denied).",
        fix="Attach an origin access control: manage.py cfsigned_setup plans that.",
    ),
    "two-origin-accesses": Kind(
        level=Level.ERROR,
        meaning="The origin has an origin access control and an origin access identity",
        why="AWS allows one of the two, and refuses the next change of the distribution.",
        fix="Keep the access control, and take the identity off the origin.",
    ),
    "origin-access-unsigned": Kind(
        level=Level.ERROR,
        meaning="The origin access control does not sign every request",
        why="S3 refuses what is not signed (Access Denied), or viewers' headers decide.",
        fix="Set the signing behavior of the origin access control to Sign requests (always).",
    ),
    "bucket": Kind(
        level=Level.OK,
        meaning="The bucket policy lets the distribution read; whom else it lets, is a finding",
    ),
    "bucket-not-public": Kind(
        level=Level.OK,
        meaning="The bucket is not public; whether it lets CloudFront in could not be compared",
        why="There is no origin known that reads it by an access control or an identity.",
    ),
    "bucket-missing": Kind(
        level=Level.ERROR,
        meaning="There is no bucket of that name",
        why="Uploads fail, and CloudFront has nothing to serve.",
        fix="Check AWS_STORAGE_BUCKET_NAME, or create the bucket (manage.py cfsigned_setup).",
    ),
    "bucket-refused": Kind(
        level=Level.ERROR,
        meaning="The bucket is another account's, or the credentials may not look at it",
        why="Its policy, its CORS rules and whether it is public were not looked at.",
        fix="Use the credentials of the bucket's account (AWS_PROFILE), with s3:ListBucket on it.",
    ),
    "bucket-region": Kind(
        level=Level.WARNING,
        meaning="The bucket is in another region than AWS_S3_REGION_NAME",
        why="Uploads are redirected or fail.",
        fix="Set AWS_S3_REGION_NAME to the region of the bucket.",
    ),
    "bucket-public": Kind(
        level=Level.ERROR,
        meaning="The bucket policy lets everybody in (Principal *)",
        why="Everybody can read the files past CloudFront; no signature helps.",
        fix="Remove the statement: manage.py cfsigned_setup --close-public plans that.",
    ),
    "bucket-not-blocked": Kind(
        level=Level.WARNING,
        meaning="Block Public Access is not fully on",
        why="A policy or an ACL that somebody adds later can make files public.",
        fix="Turn all four switches on; CloudFront's access is not public and goes on.",
    ),
    "bucket-policy": Kind(
        level=Level.ERROR,
        meaning="The bucket policy does not let this distribution read",
        why="S3 answers Access Denied, with a RequestId, to good links.",
        fix="Add the statement for the distribution: manage.py cfsigned_setup plans that.",
    ),
    "bucket-policy-wide": Kind(
        level=Level.WARNING,
        meaning="The bucket policy lets CloudFront in without naming the distribution",
        why="Anybody's distribution, of any account, can serve the files.",
        fix="Add the condition AWS:SourceArn with the ARN of the distribution to the statement.",
    ),
    "bucket-readers-wide": Kind(
        level=Level.WARNING,
        meaning="The bucket policy also lets read whom it does not name: by a condition, a "
        "service, or the distribution of another account",
        why="They get the files without a signature, as far as no other statement denies it.",
        fix="Take the statement out, or name in it who needs the files.",
    ),
    "bucket-readers": Kind(
        level=Level.OK,
        meaning="The bucket policy also lets principals read that it names, or other distributions "
        "of the account",
        why="They get the files without a signature, as far as no other statement denies it.",
        fix="Take the statement out if they need not have the files.",
    ),
    "delivery": Kind(
        level=Level.OK, meaning="CORS and parameters pass through CloudFront as wanted"
    ),
    "cors-rule-missing": Kind(
        level=Level.ERROR,
        meaning="The bucket has no CORS rule that lets the origin read",
        why="Browsers hide the file from fetch(), canvas, fonts and crossorigin images.",
        fix="Add a rule with the origin, GET and HEAD: manage.py cfsigned_setup --cors-origin.",
    ),
    "cors-policy-origins": Kind(
        level=Level.ERROR,
        meaning="The response headers policy has CORS headers, and not for the origin",
        why="It overrides what S3 says, so browsers hide the file from pages of the origin.",
        fix="Add the origin to Access-Control-Allow-Origin of the policy: CloudFront > Policies > "
        "Response headers.",
    ),
    "origin-not-forwarded": Kind(
        level=Level.ERROR,
        meaning="The origin request policy does not forward the Origin header",
        why="S3 sends CORS headers only to who sends Origin.",
        fix="Use the origin request policy CORS-S3Origin on the behavior.",
    ),
    "origin-not-in-cache-key": Kind(
        level=Level.WARNING,
        meaning="The cache key does not hold Origin, and no response headers policy makes up for "
        "it",
        why="Who asks first decides which CORS headers the cached copy has, or that it has none.",
        fix="Put Origin into the cache key: manage.py cfsigned_setup plans that for several "
        "--cors-origin. For one origin alone, the response headers policy SimpleCORS is enough.",
    ),
    "downloads-lost": Kind(
        level=Level.ERROR,
        meaning="Download parameters do not reach S3, or are not in the cache key (--downloads)",
        why="download= has no effect, or one viewer's file name is served to all.",
        fix="Use a cache policy and an origin request policy that have "
        "response-content-disposition: manage.py cfsigned_setup --downloads.",
    ),
    "downloads-note": Kind(
        level=Level.OK,
        meaning="Download parameters are not passed on, which is right as long as none are used",
        why="Links made with download= are served without the file name that they ask for.",
        fix="Run manage.py cfsigned_setup --downloads before download= is used; --downloads makes "
        "this an error.",
    ),
}
