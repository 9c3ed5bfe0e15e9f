"""Drive the admin page of the signing keys as a browser without JavaScript does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any

from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.site import import_settings_key, site_rotation
from cfsigned_django.signing import KeyAlgorithm
from tests.simulation.strict_cloudfront import StrictCloudFront

LIST = "/admin/cfsigned_django/keypair/"


@dataclass(kw_only=True)
class FakeCloudFront:
    """The API, and what a probe through the edges is answered."""

    api: StrictCloudFront
    key_group_id: str
    settings_key_id: str
    probe_result: ProbeResult = ProbeResult.GOOD
    #: Raised, if set, in the place of any call.
    failure: Exception | None = None
    #: What was asked of the API.
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        if self.failure is not None:
            raise self.failure
        return getattr(self.api, name)

    @property
    def trusted(self) -> set[str]:
        """Return the key pair ids in the key group."""
        return set(self.api.trusted_keys(self.key_group_id))


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A person with a browser, who may see everything that came back."""

    client: Client
    seen: list[str] = field(default_factory=list)

    def get(self, address: str = LIST, **headers: Any) -> str:
        """Return the text of a page, which must be one."""
        answer = self.client.get(address, follow=True, headers=headers)
        assert answer.status_code == 200, answer.status_code
        self.seen.append(answer.text)
        return readable(answer.text)

    def post(self, address: str, **answers: str) -> str:
        """Send a form, and return the text of the page that it leads to."""
        answer = self.client.post(address, answers, follow=True)
        assert answer.status_code == 200, answer.status_code
        self.seen.append(answer.text)
        return readable(answer.text)

    def status(self, address: str) -> tuple[int, int]:
        """Return the statuses of a GET and of a POST."""
        return self.client.get(address).status_code, self.client.post(address).status_code

    def take(self, step: str, key_pair: KeyPair | None = None, **answers: str) -> str:
        """Ask for the page of a step, confirm it, and return what comes then."""
        self.get(address(step, key_pair))
        return self.post(address(step, key_pair), **answers)


def address(step: str, key_pair: KeyPair | None = None) -> str:
    """Return the address of a step."""
    args = [key_pair.pk] if key_pair else []
    return reverse(f"admin:cfsigned_django_keypair_{step}", args=args)


def readable(html: str) -> str:
    """Return a page as it is read: without tags, with single spaces."""
    body = html.partition("<body")[2] or html
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split()).replace(" .", ".")


def main_buttons(visitor: Visitor) -> list[str]:
    """Return the buttons of the first page."""
    return buttons(visitor.client.get(LIST).text)


def buttons(html: str) -> list[str]:
    """Return the labels of the buttons in the part that says what comes next; * is the main one."""
    part = html.partition('data-part="next"')[2].partition('data-part="notices"')[0]
    found = re.findall(r'class="button ([^"]*)"([^>]*)>(.*?)</(?:a|button)>', part, re.DOTALL)
    return [
        ("*" if "default" in kind else "")
        + readable(label.partition("<span")[0])
        + (" (disabled)" if "disabled" in rest else "")
        for kind, rest, label in found
    ]


def imported(*, days: int = 1) -> KeyPair:
    """Return the key of the settings, taken into the database so many days ago."""
    rotation = site_rotation(by_hand=True)
    key_pair = import_settings_key(rotation, now=rotation.store.clock())
    return moved(key_pair, created_at=-days * 86400, active_at=-days * 86400)


def started(*, spare: bool = False) -> KeyPair:
    """Return a new PENDING key pair."""
    rotation = site_rotation(by_hand=True)
    algorithm = KeyAlgorithm.ECDSA_P256
    return rotation.start(algorithm=algorithm, now=rotation.store.clock(), spare=spare)


def trusted(*, spare: bool = False, good_for: int | None = None) -> KeyPair:
    """Return a new TRUSTED key pair, which has worked for so many seconds if it has."""
    key_pair = started(spare=spare)
    rotation = site_rotation()
    rotation.trust(key_pair, now=rotation.store.clock())
    return key_pair if good_for is None else moved(key_pair, verified_since=-good_for)


def activated(*, former_retiring_for: int | None = None) -> KeyPair:
    """Return a new ACTIVE key pair; the one before it is RETIRING, for so many seconds if given."""
    key_pair = trusted(good_for=3600)
    rotation = site_rotation()
    former = rotation.store.active()
    rotation.activate(key_pair, now=rotation.store.clock())
    if former is not None and former_retiring_for is not None:
        moved(former, retiring_at=-former_retiring_for)
    return key_pair


def moved(key_pair: KeyPair, **seconds: int) -> KeyPair:
    """Set moments of a key pair to so many seconds from now, and return it as it is then."""
    now = site_rotation(by_hand=True).store.clock()
    moments = {name: now + timedelta(seconds=value) for name, value in seconds.items()}
    KeyPair.objects.filter(pk=key_pair.pk).update(**moments)
    return fresh(key_pair)


def fresh(key_pair: KeyPair) -> KeyPair:
    """Return the key pair as the database has it."""
    return KeyPair.objects.get(pk=key_pair.pk)


def log() -> list[str]:
    """Return the admin's log, the oldest entry first."""
    return [each.get_change_message() for each in LogEntry.objects.order_by("pk")]
