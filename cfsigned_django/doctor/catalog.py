"""List every finding of the doctor. Ids are API: they keep their meaning."""

from __future__ import annotations

from dataclasses import dataclass

from cfsigned_django.doctor.findings import Finding, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingType:
    """What all findings of one id have in common.

    ``meaning`` is the line of the documentation's table; ``why`` says what
    follows from it, and ``fix`` what to do.
    """

    level: Level
    meaning: str
    why: str = ""
    fix: str = ""


_NEW_LINK = "Make a new link with url() or {% signed_url %}, and use it as it comes."

#: Id -> what all findings of that id have in common, in the order of a request's way.
CATALOG: dict[str, FindingType] = {
    # Settings, keys and the clock.
    "settings": FindingType(
        level=Level.OK, meaning="The system checks of this package find nothing"
    ),
    "check-warning": FindingType(
        level=Level.WARNING,
        meaning="A system check warns; its id, such as cfsigned.W001, stands in place of this one",
        why="Links work, but not as they should; manage.py check reports it as well.",
        fix="What the check says: see the page on system checks.",
    ),
    "check-error": FindingType(
        level=Level.ERROR,
        meaning="A system check fails; its id, such as cfsigned.E001, stands in place of this one",
        why="Links are not made, or cannot work; manage.py check reports it as well.",
        fix="What the check says: see the page on system checks.",
    ),
    "cannot-sign": FindingType(
        level=Level.ERROR,
        meaning="The storage cannot sign now",
        why="url() raises the same error, and pages with links fail.",
        fix="Do what the message says; manage.py cfsigned_rotate shows the keys of the database.",
    ),
    "foreign-signer": FindingType(
        level=Level.WARNING,
        meaning="A signer that is not this package's signs for the storage",
        why="Nothing is known of its key, so keys, signed requests and the key group were not "
        "looked at.",
        fix="Leave cloudfront_signer out, and set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID.",
    ),
    "database": FindingType(
        level=Level.ERROR,
        meaning="The key pairs of the database cannot be read",
        why="Processes that start now cannot learn which key is ACTIVE.",
        fix="Run manage.py migrate, and check DATABASES.",
    ),
    "sealed-key": FindingType(
        level=Level.ERROR,
        meaning="A private key of the database cannot be unsealed",
        why="Nothing can be signed with it: an ACTIVE key stops every link, and any other one the "
        "next rotation.",
        fix="Add the former SECRET_KEY to SECRET_KEY_FALLBACKS, or the former key to "
        "AWS_CLOUDFRONT_ENCRYPTION_KEYS; then run manage.py cfsigned_rotate --reseal.",
    ),
    "sealed-key-differs": FindingType(
        level=Level.ERROR,
        meaning="The private and the public half of a key pair in the database do not match",
        why="CloudFront has the public half, and refuses what the private one signs.",
        fix="The row was changed by hand or restored in part: revoke the key pair in the admin, "
        "and start a rotation.",
    ),
    "signing-key": FindingType(level=Level.OK, meaning="Which key signs, and where it comes from"),
    "rotation-waits": FindingType(
        level=Level.OK, meaning="What a rotation waits for, as the page and cfsigned_rotate say it"
    ),
    "rotation-stuck": FindingType(
        level=Level.WARNING,
        meaning="A step of a rotation could have been taken for 3 days",
        why="Links work, but a key that should go is still trusted, or a new one does not sign.",
        fix="What the message says; see the page on rotating keys.",
    ),
    "clock": FindingType(level=Level.OK, meaning="The clock agrees with CloudFront's"),
    "clock-off": FindingType(
        level=Level.WARNING,
        meaning="The clock differs from CloudFront's by more than 30 seconds",
        why="Links end earlier or later than meant by as much, and those with a start are refused "
        "at first.",
        fix="Let NTP keep the clock of this machine (timedatectl set-ntp true).",
    ),
    "clock-wrong": FindingType(
        level=Level.ERROR,
        meaning="The clock differs from CloudFront's by more than 5 minutes, or than links live",
        why="With a slow clock, short links have expired when they are made; with a fast one they "
        "live too long. Far off, AWS refuses API calls as well (RequestTimeTooSkewed).",
        fix="Set the clock, and let NTP keep it set (timedatectl set-ntp true).",
    ),
    "clock-unknown": FindingType(
        level=Level.WARNING,
        meaning="The answer of CloudFront has no Date that can be read",
        why="The clock could not be compared, and a wrong one makes links that are refused.",
        fix="Compare the clock by hand, and look for a proxy in between that drops headers.",
    ),
    # What AWS's API says.
    "aws-unreadable": FindingType(
        level=Level.ERROR,
        meaning="AWS could not be asked: permission, throttling, network, region or account",
        why="What depends on it was not looked at, which is not the same as being in order.",
        fix="Do what the message says, or leave AWS out with --offline.",
    ),
    "aws-not-asked": FindingType(
        level=Level.OK, meaning="AWS could not be asked for the keys that it trusts (--explain)"
    ),
    "local-edge": FindingType(
        level=Level.OK,
        meaning="The domain is this machine's, and no distribution is named: AWS was not asked",
        why="The local edge answers in CloudFront's place; what stands at AWS says nothing of it.",
        fix="Set AWS_CLOUDFRONT_DISTRIBUTION_ID, or --distribution, to have AWS looked at too.",
    ),
    "no-distribution": FindingType(
        level=Level.ERROR,
        meaning="No distribution of the account has the domain",
        why="Either the domain is no alternate domain name of the distribution, and CloudFront "
        "refuses it; or the credentials belong to another AWS account.",
        fix="Add the domain under Alternate domain names, or use the credentials of the account "
        "that has the distribution (AWS_PROFILE).",
    ),
    "distribution": FindingType(
        level=Level.OK, meaning="The distribution is enabled, deployed, and has the domain"
    ),
    "distribution-disabled": FindingType(
        level=Level.ERROR,
        meaning="The distribution is disabled",
        why="CloudFront serves nothing from it.",
        fix="Enable the distribution: CloudFront > Distributions > Enable.",
    ),
    "distribution-deploying": FindingType(
        level=Level.WARNING,
        meaning="A change of the distribution is on its way to the edges (InProgress)",
        why="Until it is Deployed, some viewers get the old and some the new configuration.",
        fix="Wait some minutes, and run this again.",
    ),
    "domain-not-alias": FindingType(
        level=Level.ERROR,
        meaning="The domain is not among the names of the distribution",
        why="CloudFront refuses requests for a host that it does not know.",
        fix="Add the domain under Alternate domain names, with a certificate that covers it, or "
        "set AWS_S3_CUSTOM_DOMAIN to a name that the distribution has.",
    ),
    "keys": FindingType(
        level=Level.OK, meaning="CloudFront has the site's key, and the key group has it"
    ),
    "key-unknown": FindingType(
        level=Level.ERROR,
        meaning="The account has no public key with the id that signs",
        why="CloudFront answers InvalidKey (Unknown Key) to every link.",
        fix="Set AWS_CLOUDFRONT_KEY_ID to the id under CloudFront > Key management > Public "
        "keys, and check that the credentials belong to the account of the distribution.",
    ),
    "key-mismatch": FindingType(
        level=Level.ERROR,
        meaning="The public key with the id that signs is not the other half of the private key",
        why="CloudFront answers AccessDenied (Access denied) to every link, as if it had expired.",
        fix="Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID to the two halves of one key pair.",
    ),
    "no-key-group": FindingType(
        level=Level.ERROR,
        meaning="The account has no key group with the id of AWS_CLOUDFRONT_KEY_GROUP_ID",
        why="Rotation cannot work, and no behavior can trust it.",
        fix="Copy the id, a UUID, from CloudFront > Key management > Key groups.",
    ),
    "key-not-in-group": FindingType(
        level=Level.ERROR,
        meaning="The key that signs is not in the key group",
        why="CloudFront answers InvalidKey (Unknown Key) to every link.",
        fix="Add the public key to the key group: CloudFront > Key management > Key groups.",
    ),
    "key-not-at-edges": FindingType(
        level=Level.WARNING,
        meaning="The key is in the key group, but edges do not list it yet",
        why="Until they do, they may answer InvalidKey (Unknown Key).",
        fix="Wait some minutes, and run this again.",
    ),
    "key-old": FindingType(
        level=Level.WARNING,
        meaning="The key that signs is older than 90 days",
        why="Who has got hold of it can make links for as long as CloudFront trusts it.",
        fix="Rotate it: manage.py cfsigned_rotate --start.",
    ),
    "behavior": FindingType(
        level=Level.OK,
        meaning="The behavior that serves the storage asks for signatures of the key group",
    ),
    "behavior-open": FindingType(
        level=Level.ERROR,
        meaning="The behavior that serves the storage asks for no signature",
        why="Everybody can read the files.",
        fix="Turn on Restrict viewer access for it, with the key group: manage.py cfsigned_setup "
        "plans that.",
    ),
    "earlier-behavior-open": FindingType(
        level=Level.ERROR,
        meaning="An open behavior comes before the restricted one, and takes paths of the storage",
        why="The first pattern that matches decides: everybody can read the files that it takes.",
        fix="Move the restricted behavior before it, or narrow its path pattern.",
    ),
    "later-behavior-open": FindingType(
        level=Level.ERROR,
        meaning="An open behavior serves files of the storage beside the restricted behavior",
        why="Everybody can read the files whose paths the restricted pattern does not match.",
        fix="Restrict that behavior too, or let the restricted path pattern take all that the "
        "storage saves.",
    ),
    "origin-path-open": FindingType(
        level=Level.ERROR,
        meaning="An open behavior serves the storage's files under other paths, by an origin path",
        why="CloudFront puts the origin path before the path of a link: the files have second "
        "addresses there, which ask for no signature.",
        fix="Restrict that behavior too, or give its origin an origin path that leads elsewhere.",
    ),
    "open-folder": FindingType(
        level=Level.OK,
        meaning="A part of the bucket under a path of its own is public by an open behavior",
        why="Right for static files; wrong if private files have names that begin so.",
        fix="If private files can have such names, narrow the path pattern or give the storage a "
        "location of its own.",
    ),
    "open-file": FindingType(
        level=Level.OK,
        meaning="One file of the bucket is public by an open behavior that names its whole path",
        why="Right for a file such as favicon.ico; wrong if a private file can have that name.",
        fix="If a private file can have that name, restrict that behavior too or give the storage "
        "a location of its own.",
    ),
    "group-not-on-behavior": FindingType(
        level=Level.ERROR,
        meaning="The behavior that serves the storage trusts other key groups only",
        why="CloudFront answers InvalidKey (Unknown Key) to every link.",
        fix="Add the key group under Restrict viewer access, and wait until it is Deployed.",
    ),
    "trusted-signers": FindingType(
        level=Level.WARNING,
        meaning="The behavior also trusts AWS accounts (trusted signers), the old way",
        why="Whoever is root in those accounts can make links that no rotation ends.",
        fix="Remove them once the key group works: manage.py cfsigned_setup "
        "--drop-trusted-signers.",
    ),
    "only-trusted-signers": FindingType(
        level=Level.ERROR,
        meaning="The behavior trusts AWS accounts (trusted signers) and no key group",
        why="CloudFront does not know this site's key, unless it is one of the root user's.",
        fix="Add the key group first, then drop the signers: manage.py cfsigned_setup, later with "
        "--drop-trusted-signers.",
    ),
    "plain-http": FindingType(
        level=Level.WARNING,
        meaning="The behavior serves plain HTTP",
        why="Whoever reads a signed link on its way can use it.",
        fix="Set Viewer protocol policy to Redirect HTTP to HTTPS, or HTTPS only.",
    ),
    "ipv6-on": FindingType(
        level=Level.ERROR,
        meaning="IPv6 is on, and links are for IP addresses (--ip-address)",
        why="A policy takes IPv4 addresses only, and AWS says not to enable IPv6 with it: who "
        "comes by IPv6 has no address that fits.",
        fix="Turn IPv6 off for the distribution, and drop the AAAA records of the domain.",
    ),
    "ipv6-note": FindingType(
        level=Level.OK,
        meaning="IPv6 is on, which is right as long as no link is for an IP address",
        why="A policy takes IPv4 addresses only: who comes by IPv6 has none that fits.",
        fix="Turn IPv6 off before ip_address is used; --ip-address makes this an error.",
    ),
    # The origin, the bucket, and what CloudFront passes on.
    "origin": FindingType(level=Level.OK, meaning="The behavior reads the bucket, by one way in"),
    "origin-not-bucket": FindingType(
        level=Level.ERROR,
        meaning="The behavior does not read the bucket of the storage",
        why="Files that the site stores are not found under their links.",
        fix="Choose the origin of the bucket for the behavior, or mend AWS_STORAGE_BUCKET_NAME.",
    ),
    "origin-website": FindingType(
        level=Level.ERROR,
        meaning="The origin is the website endpoint of the bucket",
        why="A website endpoint serves public buckets only: signatures can be bypassed.",
        fix="Use the bucket's REST endpoint (NAME.s3.REGION.amazonaws.com) as origin, with an "
        "origin access control.",
    ),
    "origin-path": FindingType(
        level=Level.WARNING,
        meaning="The origin has an origin path, under which the storage does not save",
        why="CloudFront puts the origin path before the path of a link: it looks for the files "
        "elsewhere than the storage saves them, unless a function changes the path.",
        fix="Empty the origin path, or read the bucket by an origin that has none.",
    ),
    "no-origin-access": FindingType(
        level=Level.ERROR,
        meaning="The origin has neither an origin access control nor an identity",
        why="CloudFront comes to S3 as a stranger: a private bucket refuses it (Access Denied).",
        fix="Attach an origin access control: manage.py cfsigned_setup plans that.",
    ),
    "two-origin-accesses": FindingType(
        level=Level.ERROR,
        meaning="The origin has an origin access control and an origin access identity",
        why="AWS allows one of the two, and refuses the next change of the distribution.",
        fix="Keep the access control, and take the identity off the origin.",
    ),
    "origin-access-unsigned": FindingType(
        level=Level.ERROR,
        meaning="The origin access control does not sign every request",
        why="S3 refuses what is not signed (Access Denied), or viewers' headers decide.",
        fix="Set the signing behavior of the origin access control to Sign requests (always).",
    ),
    "bucket": FindingType(
        level=Level.OK,
        meaning="The bucket policy lets the distribution read; whom else it lets, is a finding",
    ),
    "bucket-not-public": FindingType(
        level=Level.OK,
        meaning="The bucket is not public; whether it lets CloudFront in could not be compared",
        why="There is no origin known that reads it by an access control or an identity.",
    ),
    "bucket-missing": FindingType(
        level=Level.ERROR,
        meaning="There is no bucket of that name",
        why="Uploads fail, and CloudFront has nothing to serve.",
        fix="Check AWS_STORAGE_BUCKET_NAME, or create the bucket (manage.py cfsigned_setup).",
    ),
    "bucket-refused": FindingType(
        level=Level.ERROR,
        meaning="The bucket is another account's, or the credentials may not look at it",
        why="Its policy, its CORS rules and whether it is public were not looked at.",
        fix="Use the credentials of the bucket's account (AWS_PROFILE), with s3:ListBucket on it.",
    ),
    "bucket-region": FindingType(
        level=Level.WARNING,
        meaning="The bucket is in another region than AWS_S3_REGION_NAME",
        why="Uploads are redirected or fail.",
        fix="Set AWS_S3_REGION_NAME to the region of the bucket.",
    ),
    "bucket-public": FindingType(
        level=Level.ERROR,
        meaning="The bucket policy lets everybody in (Principal *)",
        why="Everybody can read the files past CloudFront; no signature helps.",
        fix="Remove the statement: manage.py cfsigned_setup --close-public plans that.",
    ),
    "bucket-not-blocked": FindingType(
        level=Level.WARNING,
        meaning="Block Public Access is not fully on",
        why="A policy or an ACL that somebody adds later can make files public.",
        fix="Turn all four switches on; CloudFront's access is not public and goes on.",
    ),
    "bucket-policy": FindingType(
        level=Level.ERROR,
        meaning="The bucket policy does not let this distribution read",
        why="S3 answers Access Denied, with a RequestId, to good links.",
        fix="Add the statement for the distribution: manage.py cfsigned_setup plans that.",
    ),
    "bucket-policy-wide": FindingType(
        level=Level.WARNING,
        meaning="The bucket policy lets CloudFront in without naming the distribution",
        why="Anybody's distribution, of any account, can serve the files.",
        fix="Add the condition AWS:SourceArn with the ARN of the distribution to the statement.",
    ),
    "bucket-readers-wide": FindingType(
        level=Level.WARNING,
        meaning="The bucket policy also lets read whom it does not name: by a condition, a "
        "service, or the distribution of another account",
        why="They get the files without a signature, as far as no other statement denies it.",
        fix="Take the statement out, or name in it who needs the files.",
    ),
    "bucket-readers": FindingType(
        level=Level.OK,
        meaning="The bucket policy also lets principals read that it names, or other distributions "
        "of the account",
        why="They get the files without a signature, as far as no other statement denies it.",
        fix="Take the statement out if they need not have the files.",
    ),
    "delivery": FindingType(
        level=Level.OK, meaning="CORS and parameters pass through CloudFront as wanted"
    ),
    "cors-rule-missing": FindingType(
        level=Level.ERROR,
        meaning="The bucket has no CORS rule that lets the origin read",
        why="Browsers hide the file from fetch(), canvas, fonts and crossorigin images.",
        fix="Add a rule with the origin, GET and HEAD: manage.py cfsigned_setup --cors-origin.",
    ),
    "cors-policy-origins": FindingType(
        level=Level.ERROR,
        meaning="The response headers policy has CORS headers, and not for the origin",
        why="It overrides what S3 says, so browsers hide the file from pages of the origin.",
        fix="Add the origin to Access-Control-Allow-Origin of the policy: CloudFront > Policies > "
        "Response headers.",
    ),
    "origin-not-forwarded": FindingType(
        level=Level.ERROR,
        meaning="The origin request policy does not forward the Origin header",
        why="S3 sends CORS headers only to who sends Origin.",
        fix="Use the origin request policy CORS-S3Origin on the behavior.",
    ),
    "origin-not-in-cache-key": FindingType(
        level=Level.WARNING,
        meaning="The cache key does not hold Origin, and no response headers policy makes up for "
        "it",
        why="Who asks first decides which CORS headers the cached copy has, or that it has none.",
        fix="Put Origin into the cache key: manage.py cfsigned_setup plans that for several "
        "--cors-origin. For one origin alone, the response headers policy SimpleCORS is enough.",
    ),
    "downloads-lost": FindingType(
        level=Level.ERROR,
        meaning="Download parameters do not reach S3, or are not in the cache key (--downloads)",
        why="download= has no effect, or one viewer's file name is served to all.",
        fix="Use a cache policy and an origin request policy that have "
        "response-content-disposition: manage.py cfsigned_setup --downloads.",
    ),
    "downloads-note": FindingType(
        level=Level.OK,
        meaning="Download parameters are not passed on, which is right as long as none are used",
        why="Links made with download= are served without the file name that they ask for.",
        fix="Run manage.py cfsigned_setup --downloads before download= is used; --downloads makes "
        "this an error.",
    ),
    # What CloudFront and S3 answer.
    "no-answer": FindingType(
        level=Level.ERROR,
        meaning="No answer comes from the domain, or not from HTTP",
        why="Nothing could be asked of CloudFront from here; viewers may fare better.",
        fix="Check that the domain resolves to the distribution (a CNAME or alias record), its "
        "certificate, and the network of this machine.",
    ),
    "not-cloudfront": FindingType(
        level=Level.ERROR,
        meaning="The domain answers, but not as CloudFront",
        why="Another server, or a proxy in front, answers in its place; signatures mean nothing "
        "to it.",
        fix="Point the DNS record of AWS_S3_CUSTOM_DOMAIN at the domain name of the distribution.",
    ),
    "redirected": FindingType(
        level=Level.ERROR,
        meaning="The domain sends viewers elsewhere",
        why="A signature is for one URL: where it leads to, it is refused, or another server is "
        "asked.",
        fix='Set AWS_S3_URL_PROTOCOL to "https:" where http is sent on to https, and '
        "AWS_S3_CUSTOM_DOMAIN to the host that answers by itself.",
    ),
    "html-answer": FindingType(
        level=Level.ERROR,
        meaning="CloudFront refuses with an HTML page: AWS WAF, geographic restriction, a domain "
        "that is no alias, or a custom error page",
        why="The request did not come as far as its signature, or the page hides the reason.",
        fix="Look at the web ACL and the geographic restrictions of the distribution, at its "
        "alternate domain names and error pages, and allow the methods GET and HEAD.",
    ),
    "server-error": FindingType(
        level=Level.ERROR,
        meaning="CloudFront or the origin failed (5xx)",
        why="This says nothing about signatures. Viewers see the same.",
        fix="Try again in a minute; then look at the origin of the distribution and its domain "
        "name, and at functions attached to the behavior.",
    ),
    "strange-answer": FindingType(
        level=Level.ERROR,
        meaning="The answer is none that CloudFront or S3 is known to give there",
        why="Something else decides about the request: a function, a custom error page, or a "
        "proxy.",
        fix="Look at the functions and error pages of the behavior.",
    ),
    "unsigned-refused": FindingType(
        level=Level.OK, meaning="A request without a signature is refused (MissingKey)"
    ),
    "unsigned-served": FindingType(
        level=Level.ERROR,
        meaning="The object is served without a signature",
        why="Everybody who knows or guesses a name can read the file.",
        fix="Turn on Restrict viewer access, with the key group, for the behavior of this path "
        "and for every one before it that matches the path.",
    ),
    "unsigned-forwarded": FindingType(
        level=Level.ERROR,
        meaning="S3, not CloudFront, answers a request without a signature",
        why="CloudFront asks for no signature on this path: only S3 keeps viewers out, and does "
        "so whether they have a link or not.",
        fix="Turn on Restrict viewer access, with the key group, for the behavior of this path.",
    ),
    "signed-served": FindingType(level=Level.OK, meaning="The object is served with a signature"),
    "signed-passes": FindingType(
        level=Level.OK,
        meaning="CloudFront accepts the signature; no object was named, so S3 has none to give",
    ),
    "signed-unknown-key": FindingType(
        level=Level.ERROR,
        meaning="InvalidKey: CloudFront does not know the key, or does not trust it on this path",
        why="Every link of this site is refused.",
        fix="Compare AWS_CLOUDFRONT_KEY_ID with the public keys of the key group, and the key "
        "group with the behavior. A change takes a while to reach every edge; AWS names no time.",
    ),
    "signed-denied": FindingType(
        level=Level.ERROR,
        meaning='AccessDenied of CloudFront ("Access denied", small d, no RequestId) for a fresh '
        "link",
        why="CloudFront knows the key id, and its public key is not the other half of the private "
        "key; or the URL is changed before it arrives.",
        fix="Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID to the two halves of one key pair, "
        "and look for a proxy that rewrites URLs.",
    ),
    "signed-missing-key": FindingType(
        level=Level.ERROR,
        meaning="MissingKey for a request that has a Key-Pair-Id",
        why="The query was lost on the way.",
        fix="Look for a proxy or a function on viewer requests that drops query parameters.",
    ),
    "signed-malformed": FindingType(
        level=Level.ERROR,
        meaning="MalformedPolicy or MalformedSignature for a fresh link",
        why="The parameters were changed on the way.",
        fix="Look for a proxy or a function on viewer requests that rewrites query parameters.",
    ),
    "signed-s3-denied": FindingType(
        level=Level.ERROR,
        meaning='AccessDenied of S3 ("Access Denied" with RequestId): CloudFront let the request '
        "pass, S3 did not",
        why="The signature is good. Either CloudFront may not read the object, or the object is "
        "not there: S3 gives the same answer to a reader who may not list the bucket.",
        fix="Compare the name with the key of the object in S3. If the object is there, look for "
        "a Deny statement in the bucket policy, for a KMS key (SSE-KMS) whose key policy does not "
        "allow CloudFront, and for an object that another AWS account owns. If the bucket policy "
        "does not allow CloudFront, or the origin has no origin access control: manage.py "
        "cfsigned_setup plans that.",
    ),
    "signed-not-found": FindingType(
        level=Level.ERROR,
        meaning="The signature is good, and there is no such object",
        why="The name, AWS_LOCATION or the origin path of the distribution is another than in the "
        "bucket.",
        fix="Compare the path of the URL with the key of the object in S3; the origin path comes "
        "before it.",
    ),
    "tampered-refused": FindingType(
        level=Level.OK, meaning="A signed URL that was changed is refused (AccessDenied)"
    ),
    "tampered-served": FindingType(
        level=Level.ERROR,
        meaning="A signed URL is served although it was changed",
        why="Signatures are not checked: what answers is not CloudFront, or not this behavior.",
        fix="Look for a cache or proxy in front of CloudFront, and for what serves this domain.",
    ),
    "expired-refused": FindingType(
        level=Level.OK, meaning="An expired URL is refused (AccessDenied)"
    ),
    "expired-served": FindingType(
        level=Level.ERROR,
        meaning="An expired URL is served",
        why="Links never end: a cache or proxy in front of CloudFront answers without asking it.",
        fix="Look for a cache or proxy in front of CloudFront that ignores the query.",
    ),
    "cors": FindingType(
        level=Level.OK,
        meaning="Pages of the origin may read the object, also where CloudFront has it in its "
        "cache",
    ),
    "cors-untested": FindingType(
        level=Level.OK,
        meaning="CORS was not tried, for no object was named",
        fix="Name an object that is there with --object to have CORS tried as well.",
    ),
    "cors-headers-missing": FindingType(
        level=Level.ERROR,
        meaning="No Access-Control-Allow-Origin comes for the origin",
        why="Browsers hide the file from fetch(), canvas, fonts and crossorigin images of that "
        "page.",
        fix="Give the bucket a CORS rule for the origin, and the behavior the origin request "
        "policy CORS-S3Origin, or a response headers policy with CORS. Invalidate the path where "
        "the copy in the cache is older than that.",
    ),
    "cors-lost-in-cache": FindingType(
        level=Level.ERROR,
        meaning="A cached object comes with the CORS headers of an earlier request, or without",
        why="Who asks first decides for all: after a request without Origin, pages are refused.",
        fix="Give the behavior the origin request policy CORS-S3Origin together with Origin in "
        "the cache key, or a response headers policy with CORS; then invalidate the path.",
    ),
    "cors-browser-cache": FindingType(
        level=Level.OK,
        meaning="A known trap: Chrome reuses an image that a page loaded first without CORS",
        why="A copy that was fetched by a plain <img> has no CORS headers, and Chrome may take it "
        "from its cache for a later request with CORS, which then fails.",
        fix='Write crossorigin="anonymous" on every <img> of a URL that scripts or canvas use '
        "too: see {% signed_url %} in the documentation.",
    ),
    "s3-private": FindingType(level=Level.OK, meaning="S3 refuses who comes without CloudFront"),
    "s3-open": FindingType(
        level=Level.ERROR,
        meaning="S3 serves the object to everybody, past CloudFront",
        why="Everybody who knows the bucket and a name can read the file; no signature helps.",
        fix="Turn Block Public Access on for the bucket, and take Principal * out of its policy "
        "(manage.py cfsigned_setup --close-public).",
    ),
    "s3-lists": FindingType(
        level=Level.ERROR,
        meaning="S3 tells everybody which objects are not there: the bucket may be listed",
        why="S3 says NoSuchKey only to who may list; everybody can find out every name.",
        fix="Turn Block Public Access on for the bucket, and take s3:ListBucket for * out of its "
        "policy.",
    ),
    "s3-no-bucket": FindingType(
        level=Level.ERROR,
        meaning="There is no bucket of that name",
        why="Uploads fail, and CloudFront has nothing to serve; whoever creates a bucket of that "
        "name decides what it serves.",
        fix="Check AWS_STORAGE_BUCKET_NAME, or create the bucket (manage.py cfsigned_setup).",
    ),
    "s3-wrong-region": FindingType(
        level=Level.WARNING,
        meaning="The bucket is in another region than the settings say",
        why="Uploads are redirected or fail.",
        fix="Set AWS_S3_REGION_NAME to the region of the bucket.",
    ),
    "s3-no-answer": FindingType(
        level=Level.WARNING,
        meaning="S3 could not be asked without CloudFront",
        why="Whether the bucket is private was not tried.",
        fix="Check the network of this machine and AWS_S3_ENDPOINT_URL; try again in a minute.",
    ),
    # One URL: cfsigned_doctor --explain.
    "url-not-absolute": FindingType(
        level=Level.ERROR,
        meaning="The text is no http or https URL",
        why="CloudFront signs whole URLs; nothing can be said about a part of one.",
        fix="Give the whole URL, from https:// to its end, in single quotes.",
    ),
    "url-copied": FindingType(
        level=Level.WARNING,
        meaning="The text has quotes, spaces, line breaks or backslashes that are not the URL's",
        why="The findings below are about the URL without them. A client that sends them is "
        "refused.",
        fix="Look whether they came with the copying, or stand in the page, mail or script.",
    ),
    "url-html-escaped": FindingType(
        level=Level.ERROR,
        meaning="The URL has &amp; where & belongs",
        why="Right in the source of an HTML page, wrong anywhere else: CloudFront then finds no "
        "Key-Pair-Id and answers MissingKey.",
        fix="Escape once: use {% signed_url ... as url %} where no HTML is written, and mark "
        "nothing safe that was escaped before. Not broken if the URL was copied from a page's "
        "source.",
    ),
    "url-json-escaped": FindingType(
        level=Level.ERROR,
        meaning="The URL has \\u0026 or \\/ of JSON or JavaScript in it",
        why="Right within JSON, wrong in a request: CloudFront finds no parameters.",
        fix="Parse the JSON before the URL is used. Not broken if the URL was copied out of JSON.",
    ),
    "url-double-encoded": FindingType(
        level=Level.ERROR,
        meaning="The URL, or a parameter of CloudFront in it, was percent-encoded once too often",
        why="Clients send what they are given: CloudFront then finds no parameters, or a path and "
        "values that are not those that were signed.",
        fix="Take the code away that quotes the finished URL (quote, urlencode, encodeURI): a "
        "signed URL is complete.",
    ),
    "url-fragment": FindingType(
        level=Level.ERROR,
        meaning="The parameters stand behind a #",
        why="Clients keep what follows a # to themselves: CloudFront never sees the signature.",
        fix="Encode a # of a file name as %23; url() does so.",
    ),
    "url-presigned-s3": FindingType(
        level=Level.ERROR,
        meaning="The URL is a presigned URL of S3",
        why="It goes past CloudFront to the bucket, or CloudFront finds no Key-Pair-Id in it "
        "and answers MissingKey.",
        fix="Name cfsigned_django.storage.CloudFrontS3Storage as the BACKEND in STORAGES, and set "
        "AWS_S3_CUSTOM_DOMAIN: without a domain, django-storages presigns for S3 in silence.",
    ),
    "url-s3-address": FindingType(
        level=Level.ERROR,
        meaning="The URL leads to S3 and not to CloudFront",
        why="S3 knows no CloudFront signature, and a private bucket refuses every such request.",
        fix="Set AWS_S3_CUSTOM_DOMAIN to the domain of the distribution.",
    ),
    "url-other-domain": FindingType(
        level=Level.ERROR,
        meaning="The host is not the domain that a storage of this site signs for",
        why="The domain is part of what is signed: a link for one domain is refused at another, "
        "also where both belong to one distribution.",
        fix="Use the link as url() gives it, and set AWS_S3_CUSTOM_DOMAIN to the domain that "
        "viewers shall use.",
    ),
    "url-too-long": FindingType(
        level=Level.ERROR,
        meaning="The URL is longer than CloudFront's quota of 8192 bytes",
        why="CloudFront does not read it.",
        fix="Shorten the name or the parameters, or sign with an ECDSA key, whose signature is "
        "shorter.",
    ),
    "url-unsigned": FindingType(
        level=Level.ERROR,
        meaning="The URL has no parameter of CloudFront",
        why="CloudFront answers MissingKey, unless the request brings signed cookies.",
        fix="Use url() or {% signed_url %}; look for code that cuts the query off, such as a "
        "cache key, a thumbnail library or urlsplit().",
    ),
    "url-parameter-case": FindingType(
        level=Level.ERROR,
        meaning="A parameter of CloudFront is spelt in another case",
        why="AWS names them Expires, Policy, Signature, Key-Pair-Id and Hash-Algorithm, and does "
        "not say that another case is understood.",
        fix="Look for a proxy or client that lowers parameters. " + _NEW_LINK,
    ),
    "url-incomplete": FindingType(
        level=Level.ERROR,
        meaning="A parameter of CloudFront is missing",
        why="CloudFront wants a Key-Pair-Id, a Signature, and one of Expires and Policy.",
        fix="The link was cut on its way: in a mail, by an unquoted & in a shell, or by a column "
        "that is too short. " + _NEW_LINK,
    ),
    "url-key-id": FindingType(
        level=Level.ERROR,
        meaning="The Key-Pair-Id is not the id of a public key",
        why="CloudFront looks the key up by the id of the public key (K...), and by nothing else.",
        fix="Set AWS_CLOUDFRONT_KEY_ID to that id: CloudFront > Key management > Public keys.",
    ),
    "url-unknown-key": FindingType(
        level=Level.ERROR,
        meaning="The key that the URL names is none of this site's",
        why="CloudFront answers InvalidKey (Unknown Key) unless another site put that key into the "
        "key group. Its signature cannot be checked here.",
        fix="Compare AWS_CLOUDFRONT_KEY_ID with CloudFront > Key management > Public keys, and ask "
        "which site or environment made the link.",
    ),
    "url-key-ended": FindingType(
        level=Level.ERROR,
        meaning="The key that signed the URL was retired or revoked",
        why="CloudFront no longer knows the key and answers InvalidKey (Unknown Key).",
        fix=_NEW_LINK,
    ),
    "url-key-not-in-group": FindingType(
        level=Level.ERROR,
        meaning="The key that signed the URL is in no key group of the storages with its host",
        why="CloudFront answers InvalidKey (Unknown Key).",
        fix="Ask which storage or site made the link. If it is this one, compare its key and its "
        "key group with CloudFront > Key management > Key groups.",
    ),
    "url-malformed-signature": FindingType(
        level=Level.ERROR,
        meaning="The Signature is cut off, or not CloudFront's base64",
        why="CloudFront answers MalformedSignature (Could not unencode Signature) or AccessDenied.",
        fix="The link was cut or changed on its way: compare its length with a fresh one. "
        + _NEW_LINK,
    ),
    "url-malformed-policy": FindingType(
        level=Level.ERROR,
        meaning="The policy, or Expires, cannot be read",
        why="CloudFront answers MalformedPolicy.",
        fix="Times are Unix seconds, not milliseconds, and the Policy is CloudFront's base64 "
        "(-_~), not base64url. " + _NEW_LINK,
    ),
    "url-refused": FindingType(
        level=Level.ERROR,
        meaning="A parameter of CloudFront is there twice, or has a value that it does not take",
        why="What CloudFront makes of it is not documented; the safe reading is a refusal.",
        fix=_NEW_LINK,
    ),
    "url-signature-mismatch": FindingType(
        level=Level.ERROR,
        meaning="The signature does not fit: the URL, its policy or the key is another",
        why="CloudFront answers AccessDenied (Access denied), as for an expired link.",
        fix="Use the link byte for byte as url() gives it. If a fresh link fails as well, the "
        "private key does not belong to the key id: run cfsigned_doctor without --explain.",
    ),
    "url-not-covered": FindingType(
        level=Level.ERROR,
        meaning="The policy is good, but for another URL",
        why="CloudFront answers AccessDenied (Access denied).",
        fix="Sign the URL that is requested, with all of its parameters, or a resource with * that "
        "covers it.",
    ),
    "url-expired": FindingType(
        level=Level.ERROR,
        meaning="The URL has expired",
        why="CloudFront answers AccessDenied (Access denied).",
        fix="Make a new link. Where pages, mails or caches outlive their links, raise "
        "AWS_QUERYSTRING_EXPIRE, or link to a view that redirects to a fresh one.",
    ),
    "url-not-yet": FindingType(
        level=Level.ERROR,
        meaning="The URL is not valid yet",
        why="CloudFront answers AccessDenied (Access denied) until date_greater_than has passed.",
        fix="Wait, or sign with an earlier date_greater_than; if it was meant to be now, the "
        "signing machine's clock is ahead.",
    ),
    "url-address": FindingType(
        level=Level.ERROR,
        meaning="The viewer's address is not the one that the URL is for",
        why="CloudFront answers AccessDenied (Access denied). It looks at the address of the "
        "connection: networks that share or change addresses, and IPv6, do not fit.",
        fix="Sign without ip_address, or for a range; switch IPv6 off for the distribution.",
    ),
    "url-bound-to-address": FindingType(
        level=Level.WARNING,
        meaning="The URL is for some addresses only, and no viewer's address was given",
        why="Everybody else is refused with AccessDenied (Access denied).",
        fix="Give the viewer's address with --viewer-ip.",
    ),
    "url-policy": FindingType(level=Level.OK, meaning="What the URL grants, in words"),
    "url-good": FindingType(
        level=Level.OK,
        meaning="Nothing is wrong with the URL itself",
        why="If it is refused, the cause lies at AWS.",
        fix="Run cfsigned_doctor without --explain, with --object and the name of the file.",
    ),
}


def finding(
    type_id: str, what: str, *, subject: str, why: str | None = None, fix: str | None = None
) -> Finding:
    """Return a finding of a type; ``why`` and ``fix`` are those of the type unless given."""
    found_type = CATALOG[type_id]
    return Finding(
        id=type_id,
        level=found_type.level,
        what=what,
        why=found_type.why if why is None else why,
        fix=found_type.fix if fix is None else fix,
        subject=subject,
    )
