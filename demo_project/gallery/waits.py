"""Tell templates how short the demo's waits are, and what a real site waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import override

from cfsigned_django.conf import OPTIONS, ROTATION_SECONDS
from cfsigned_django.rotation.status import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortWait:
    """One wait, in words: here, and without the demo's settings."""

    what: str
    here: str
    really: str


def waits(request: HttpRequest) -> dict[str, object]:
    """Give every template `link_seconds` and the list `short_waits`."""
    found = [
        _wait("links live", "AWS_CLOUDFRONT_MAX_EXPIRE", OPTIONS["max_expire"][1]),
        *(
            _wait(what, setting, ROTATION_SECONDS[setting])
            for what, setting in (
                ("a new key has to work", "AWS_CLOUDFRONT_PROPAGATION_SECONDS"),
                ("a process signs before it looks again", "AWS_CLOUDFRONT_KEYRING_SECONDS"),
                ("clocks may be wrong by", "AWS_CLOUDFRONT_CLOCK_SKEW_SECONDS"),
            )
        ),
    ]
    return {
        "link_seconds": settings.AWS_QUERYSTRING_EXPIRE,  # type: ignore[misc]
        "short_waits": [each for each in found if each.here != each.really],
    }


def _wait(what: str, setting: str, default: int) -> ShortWait:
    value = getattr(settings, setting, default)
    with override("en"):  # the language of the sentence around it
        return ShortWait(
            what=what,
            here=in_words(timedelta(seconds=value)),
            really=in_words(timedelta(seconds=default)),
        )
