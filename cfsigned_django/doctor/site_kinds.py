"""Hold the kinds of findings about settings, keys and the clock."""

from __future__ import annotations

from cfsigned_django.doctor.findings import Kind, Level

SITE_KINDS: dict[str, Kind] = {
    "settings": Kind(level=Level.OK, meaning="The system checks of this package find nothing"),
    "check-warning": Kind(
        level=Level.WARNING,
        meaning="A system check warns; its id, such as cfsigned.W001, stands in place of this one",
        why="Links work, but not as they should; manage.py check reports it as well.",
        fix="What the check says: see the page on system checks.",
    ),
    "check-error": Kind(
        level=Level.ERROR,
        meaning="A system check fails; its id, such as cfsigned.E001, stands in place of this one",
        why="Links are not made, or cannot work; manage.py check reports it as well.",
        fix="What the check says: see the page on system checks.",
    ),
    "cannot-sign": Kind(
        level=Level.ERROR,
        meaning="The storage cannot sign now",
        why="url() raises the same error, and pages with links fail.",
        fix="Do what the message says; manage.py cfsigned_rotate shows the keys of the database.",
    ),
    "foreign-signer": Kind(
        level=Level.WARNING,
        meaning="A signer that is not this package's signs for the storage",
        why="Nothing is known of its key, so keys, signed requests and the key group were not "
        "looked at.",
        fix="Leave cloudfront_signer out, and set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID.",
    ),
    "database": Kind(
        level=Level.ERROR,
        meaning="The key pairs of the database cannot be read",
        why="Processes that start now cannot learn which key is ACTIVE.",
        fix="Run manage.py migrate, and check DATABASES.",
    ),
    "sealed-key": Kind(
        level=Level.ERROR,
        meaning="A private key of the database cannot be unsealed",
        why="Nothing can be signed with it: an ACTIVE key stops every link, and any other one the "
        "next rotation.",
        fix="Add the former SECRET_KEY to SECRET_KEY_FALLBACKS, or the former key to "
        "AWS_CLOUDFRONT_ENCRYPTION_KEYS; then run manage.py cfsigned_rotate --reseal.",
    ),
    "sealed-key-differs": Kind(
        level=Level.ERROR,
        meaning="The private and the public half of a key pair in the database do not match",
        why="CloudFront has the public half, and refuses what the private one signs.",
        fix="The row was changed by hand or restored in part: revoke the key pair in the admin, "
        "and start a rotation.",
    ),
    "signing-key": Kind(level=Level.OK, meaning="Which key signs, and where it comes from"),
    "rotation-waits": Kind(
        level=Level.OK, meaning="What a rotation waits for, as the page and cfsigned_rotate say it"
    ),
    "rotation-stuck": Kind(
        level=Level.WARNING,
        meaning="A step of a rotation could have been taken for 3 days",
        why="Links work, but a key that should go is still trusted, or a new one does not sign.",
        fix="What the message says; see the page on rotating keys.",
    ),
    "clock": Kind(level=Level.OK, meaning="The clock agrees with CloudFront's"),
    "clock-off": Kind(
        level=Level.WARNING,
        meaning="The clock differs from CloudFront's by more than 30 seconds",
        why="Links end earlier or later than meant by as much, and those with a start are refused "
        "at first.",
        fix="Let NTP keep the clock of this machine (timedatectl set-ntp true).",
    ),
    "clock-wrong": Kind(
        level=Level.ERROR,
        meaning="The clock differs from CloudFront's by more than 5 minutes, or than links live",
        why="With a slow clock, short links have expired when they are made; with a fast one they "
        "live too long. Far off, AWS refuses API calls as well (RequestTimeTooSkewed).",
        fix="Set the clock, and let NTP keep it set (timedatectl set-ntp true).",
    ),
    "clock-unknown": Kind(
        level=Level.WARNING,
        meaning="The answer of CloudFront has no Date that can be read",
        why="The clock could not be compared, and a wrong one makes links that are refused.",
        fix="Compare the clock by hand, and look for a proxy in between that drops headers.",
    ),
}
