"""Hold the kinds of findings about what AWS's API says."""

from __future__ import annotations

from cfsigned_django.doctor.bucket_kinds import BUCKET_KINDS
from cfsigned_django.doctor.findings import Kind, Level

AWS_KINDS: dict[str, Kind] = {
    "aws-unreadable": Kind(
        level=Level.ERROR,
        meaning="AWS could not be asked: permission, throttling, network, region or account",
        why="What depends on it was not looked at, which is not the same as being in order.",
        fix="Do what the message says, or leave AWS out with --offline.",
    ),
    "aws-not-asked": Kind(
        level=Level.OK, meaning="AWS could not be asked for the keys that it trusts (--explain)"
    ),
    "local-edge": Kind(
        level=Level.OK,
        meaning="The domain is this machine's, and no distribution is named: AWS was not asked",
        why="The local edge answers in CloudFront's place; what stands at AWS says nothing of it.",
        fix="Set AWS_CLOUDFRONT_DISTRIBUTION_ID, or --distribution, to have AWS looked at too.",
    ),
    "no-distribution": Kind(
        level=Level.ERROR,
        meaning="No distribution of the account has the domain",
        why="Either the domain is no alternate domain name of the distribution, and CloudFront "
        "refuses it; or the credentials belong to another AWS account.",
        fix="Add the domain under Alternate domain names, or use the credentials of the account "
        "that has the distribution (AWS_PROFILE).",
    ),
    "distribution": Kind(
        level=Level.OK, meaning="The distribution is enabled, deployed, and has the domain"
    ),
    "distribution-disabled": Kind(
        level=Level.ERROR,
        meaning="The distribution is disabled",
        why="CloudFront serves nothing from it.",
        fix="Enable the distribution: CloudFront > Distributions > Enable.",
    ),
    "distribution-deploying": Kind(
        level=Level.WARNING,
        meaning="A change of the distribution is on its way to the edges (InProgress)",
        why="Until it is Deployed, some viewers get the old and some the new configuration.",
        fix="Wait some minutes, and run this again.",
    ),
    "domain-not-alias": Kind(
        level=Level.ERROR,
        meaning="The domain is not among the names of the distribution",
        why="CloudFront refuses requests for a host that it does not know.",
        fix="Add the domain under Alternate domain names, with a certificate that covers it, or "
        "set AWS_S3_CUSTOM_DOMAIN to a name that the distribution has.",
    ),
    "keys": Kind(level=Level.OK, meaning="CloudFront has the site's key, and the key group has it"),
    "key-unknown": Kind(
        level=Level.ERROR,
        meaning="The account has no public key with the id that signs",
        why="CloudFront answers InvalidKey (Unknown Key) to every link.",
        fix="Set AWS_CLOUDFRONT_KEY_ID to the id under CloudFront > Key management > Public "
        "keys, and check that the credentials belong to the account of the distribution.",
    ),
    "key-mismatch": Kind(
        level=Level.ERROR,
        meaning="The public key with the id that signs is not the other half of the private key",
        why="CloudFront answers AccessDenied (Access denied) to every link, as if it had expired.",
        fix="Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID to the two halves of one key pair.",
    ),
    "no-key-group": Kind(
        level=Level.ERROR,
        meaning="The account has no key group with the id of AWS_CLOUDFRONT_KEY_GROUP_ID",
        why="Rotation cannot work, and no behavior can trust it.",
        fix="Copy the id, a UUID, from CloudFront > Key management > Key groups.",
    ),
    "key-not-in-group": Kind(
        level=Level.ERROR,
        meaning="The key that signs is not in the key group",
        why="CloudFront answers InvalidKey (Unknown Key) to every link.",
        fix="Add the public key to the key group: CloudFront > Key management > Key groups.",
    ),
    "key-not-at-edges": Kind(
        level=Level.WARNING,
        meaning="The key is in the key group, but edges do not list it yet",
        why="Until they do, they may answer InvalidKey (Unknown Key).",
        fix="Wait some minutes, and run this again.",
    ),
    "key-old": Kind(
        level=Level.WARNING,
        meaning="The key that signs is older than 90 days",
        why="Who has got hold of it can make links for as long as CloudFront trusts it.",
        fix="Rotate it: manage.py cfsigned_rotate --start.",
    ),
    "behavior": Kind(
        level=Level.OK,
        meaning="The behavior that serves the storage asks for signatures of the key group",
    ),
    "behavior-open": Kind(
        level=Level.ERROR,
        meaning="The behavior that serves the storage asks for no signature",
        why="Everybody can read the files.",
        fix="Turn on Restrict viewer access for it, with the key group: manage.py cfsigned_setup "
        "plans that.",
    ),
    "earlier-behavior-open": Kind(
        level=Level.ERROR,
        meaning="An open behavior comes before the restricted one, and takes paths of the storage",
        why="The first pattern that matches decides: everybody can read the files that it takes.",
        fix="Move the restricted behavior before it, or narrow its path pattern.",
    ),
    "later-behavior-open": Kind(
        level=Level.ERROR,
        meaning="An open behavior serves files of the storage beside the restricted behavior",
        why="Everybody can read the files whose paths the restricted pattern does not match.",
        fix="Restrict that behavior too, or let the restricted path pattern take all that the "
        "storage saves.",
    ),
    "origin-path-open": Kind(
        level=Level.ERROR,
        meaning="An open behavior serves the storage's files under other paths, by an origin path",
        why="CloudFront puts the origin path before the path of a link: the files have second "
        "addresses there, which ask for no signature.",
        fix="Restrict that behavior too, or give its origin an origin path that leads elsewhere.",
    ),
    "open-folder": Kind(
        level=Level.OK,
        meaning="A part of the bucket under a path of its own is public by an open behavior",
        why="Right for static files; wrong if private files have names that begin so.",
        fix="If private files can have such names, narrow the path pattern or give the storage a "
        "location of its own.",
    ),
    "open-file": Kind(
        level=Level.OK,
        meaning="One file of the bucket is public by an open behavior that names its whole path",
        why="Right for a file such as favicon.ico; wrong if a private file can have that name.",
        fix="If a private file can have that name, restrict that behavior too or give the storage "
        "a location of its own.",
    ),
    "group-not-on-behavior": Kind(
        level=Level.ERROR,
        meaning="The behavior that serves the storage trusts other key groups only",
        why="CloudFront answers InvalidKey (Unknown Key) to every link.",
        fix="Add the key group under Restrict viewer access, and wait until it is Deployed.",
    ),
    "trusted-signers": Kind(
        level=Level.WARNING,
        meaning="The behavior also trusts AWS accounts (trusted signers), the old way",
        why="Whoever is root in those accounts can make links that no rotation ends.",
        fix="Remove them once the key group works: manage.py cfsigned_setup "
        "--drop-trusted-signers.",
    ),
    "only-trusted-signers": Kind(
        level=Level.ERROR,
        meaning="The behavior trusts AWS accounts (trusted signers) and no key group",
        why="CloudFront does not know this site's key, unless it is one of the root user's.",
        fix="Add the key group first, then drop the signers: manage.py cfsigned_setup, later with "
        "--drop-trusted-signers.",
    ),
    "plain-http": Kind(
        level=Level.WARNING,
        meaning="The behavior serves plain HTTP",
        why="Whoever reads a signed link on its way can use it.",
        fix="Set Viewer protocol policy to Redirect HTTP to HTTPS, or HTTPS only.",
    ),
    "ipv6-on": Kind(
        level=Level.ERROR,
        meaning="IPv6 is on, and links are for IP addresses (--ip-address)",
        why="A policy takes IPv4 addresses only, and AWS says not to enable IPv6 with it: who "
        "comes by IPv6 has no address that fits.",
        fix="Turn IPv6 off for the distribution, and drop the AAAA records of the domain.",
    ),
    "ipv6-note": Kind(
        level=Level.OK,
        meaning="IPv6 is on, which is right as long as no link is for an IP address",
        why="A policy takes IPv4 addresses only: who comes by IPv6 has none that fits.",
        fix="Turn IPv6 off before ip_address is used; --ip-address makes this an error.",
    ),
    **BUCKET_KINDS,
}
