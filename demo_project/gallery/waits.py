"""Give templates the waits of the demo, and those of a real site."""

from __future__ import annotations

from typing import Final

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _, gettext_noop

from cfsigned_django.apps import CfsignedDjangoConfig

#: What is waited for, the setting, and its default in seconds.
_SETTINGS: Final = (
    (gettext_noop("links live"), "AWS_CLOUDFRONT_MAX_EXPIRE", 7 * 24 * 3600),
    (gettext_noop("a new key has to work"), "AWS_CLOUDFRONT_PROPAGATION_SECONDS", 5 * 60),
)
#: What is waited for, and the attribute of the app.
_ATTRIBUTES: Final = (
    (gettext_noop("a process signs before it looks again"), "keyring_seconds"),
    (gettext_noop("clocks may be wrong by"), "clock_skew_seconds"),
)


def waits(request: HttpRequest) -> dict[str, object]:
    """Return `link_seconds` and the list `short_waits` for every template."""
    app = apps.get_app_config("cfsigned_django")
    found = [
        *((what, getattr(settings, name, default), default) for what, name, default in _SETTINGS),
        *(
            (what, getattr(app, name), getattr(CfsignedDjangoConfig, name))
            for what, name in _ATTRIBUTES
        ),
    ]
    return {
        "link_seconds": settings.AWS_QUERYSTRING_EXPIRE,  # type: ignore[misc]
        "short_waits": [
            {"what": _(what), "here": _in_words(here), "really": _in_words(really)}
            for what, here, really in found
            if here != really
        ],
    }


def _in_words(seconds: int) -> str:
    for text, size in ((_("%(count)s days"), 24 * 3600), (_("%(count)s min"), 60)):
        if seconds >= 2 * size and seconds % size == 0:
            return text % {"count": seconds // size}
    return _("%(count)s s") % {"count": seconds}
