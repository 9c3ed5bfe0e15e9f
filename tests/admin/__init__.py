"""Drive the admin page of the signing keys as a browser without JavaScript does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from cfsigned_django.rotation.models import KeyPair

LIST = "/admin/cfsigned_django/keypair/"
#: What stands in the documentation for the ids that the tests give, in their order.
KEY_PAIR_IDS = (
    *("K2JCJMDEHXQW5F", "K36X4X2EO997HM", "K1N5QT7RWLB0GD"),
    *("K3HV8MAPZ2C6YS", "K2D7WFQ4T0XR9L", "K1UBE5ZN6JHK3P"),
)
KEY_GROUP_ID = "5f9c0a7b-e2d1-4c83-9b56-1f0e8a7d3c24"
#: What is called so in Korean, too.
_NAMES = {"CloudFront", "America", "Chicago", "True", "False", "media"}
#: Abbreviations, ids, settings, options and commands.
_CODE = re.compile(
    r"\b\w+_\w+|\b[A-Z]{3,}\b|\b[0-9a-f]{8,}\b|[0-9a-f]+(-[0-9a-f]+){4}|cfsigned-\S+"
    r"|K[0-9A-Z]{13}|APKA\w+|manage\.py|--[a-z-]+",
    re.ASCII,
)


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A person with a browser, who may see everything that came back."""

    client: Client
    answers: list[Any] = field(default_factory=list)

    def get(self, address: str = LIST) -> str:
        """Return the text of a page, which must be one."""
        return self._see(self.client.get(address, follow=True))

    def post(self, address: str, **answers: str) -> str:
        """Send a form, and return the text of the page that it leads to."""
        return self._see(self.client.post(address, answers, follow=True))

    def korean(self, address: str = LIST) -> str:
        """Return the source of a page that comes to a browser which prefers Korean."""
        answer = self.client.get(address, follow=True, headers={"accept-language": "ko"})
        assert answer.status_code == 200, answer.status_code
        return answer.text

    def _see(self, answer: Any) -> str:
        assert answer.status_code == 200, answer.status_code
        self.answers.append(answer)
        return readable(answer.text)

    def take(self, step: str, key_pair: KeyPair | None = None, **answers: str) -> str:
        """Confirm a step, and return the text of the page that comes then."""
        return self.post(address(step, key_pair), **answers)

    @property
    def context(self) -> Any:
        """Return what the template of the last page filled in."""
        return self.answers[-1].context

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Return the level and the text of each message on the last page."""
        return [(each.level_tag, str(each.message)) for each in self.context["messages"]]

    @property
    def levels(self) -> list[str]:
        """Return the levels of the messages on the last page; "not done" for a step's failure."""
        failed = ["not done"] if self.context.get("failure") else []
        return [*failed, *(level for level, _ in self.messages)]


def address(step: str, key_pair: KeyPair | None = None) -> str:
    """Return the address of a step."""
    args = [key_pair.pk] if key_pair else []
    return reverse(f"admin:cfsigned_django_keypair_{step}", args=args)


def detail(key_pair: KeyPair) -> str:
    """Return the address of a key pair's own page."""
    return f"{LIST}{key_pair.pk}/change/"


def readable(html: str) -> str:
    """Return a page as it is read: without tags, with single spaces."""
    body = html.partition("<body")[2] or html
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def english_words(html: str) -> set[str]:
    """Return the English words in the part of a page that is this package's."""
    own = html.partition('<div class="cfsigned')[2].partition(">")[2].partition("</main>")[0]
    own = re.sub(
        r"<pre.*?</pre>|<(?:code|kbd)>.*?</(?:code|kbd)>|cfsigned[\w-]*", " ", own, flags=re.DOTALL
    )
    return set(re.findall(r"[A-Za-z]{3,}", _CODE.sub(" ", readable(own)))) - _NAMES


def log() -> list[tuple[str, str, str]]:
    """Return the key, the state and the reason of each entry of the admin's log, in order."""
    said = (each.get_change_message() for each in LogEntry.objects.order_by("pk"))
    parts = [re.fullmatch(r"(.+): (\w+)(?: \((.*)\))?", text) for text in said]
    return [(found[1], found[2].lower(), found[3] or "") for found in parts if found]
