"""Take the pictures of docs/images/rotation-*.webp: the story of a rotation, and emergencies.

Each twice: English pages show the admin in English, and Korean ones (``.ko.webp``) in Korean.
Not among the tests, as its name says. It is run by hand after the page has changed:
``python -m pytest tests/admin/take_screenshots.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import translation
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from cfsigned_django.rotation.models import KeyPair
from tests.admin import KEY_GROUP_ID, KEY_PAIR_IDS, LIST, address
from tests.admin.conftest import DENIED
from tests.pictures import write
from tests.plugins_browser import (
    browser as browser,
    browser_type_launch_args as browser_type_launch_args,
    queries_beside_a_browser as queries_beside_a_browser,
)
from tests.rotation import ECDSA, Shell

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    Open = Callable[..., Page]
    Shoot = Callable[..., None]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("story"),
]

#: What mina writes as the reasons.
WRITES = {
    "en": ("quarterly rotation", "pushed to a public repository"),
    "ko": ("분기 정기 교체", "공개 저장소에 올라감"),
}
#: The frame that every page of the admin has is shown in one picture only.
FRAMED = {"waiting"}
WITHOUT_FRAME = """
#header, .breadcrumbs, nav[aria-label=Breadcrumbs], #nav-sidebar, #toggle-nav-sidebar {
  display: none !important;
}
#container, .main, .main > .content, #content { min-height: 0 !important; }
.main > .content { max-width: 100% !important; }
#content { padding-bottom: 0 !important; }
"""
DAY = 86400
#: The button on the page of a step.
SUBMIT = ".cfsigned-step button[type=submit]"
#: Writes the ids of the documentation over those of the test.
RENAME = """(names) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    for (const [test, docs] of names) {
      walker.currentNode.data = walker.currentNode.data.replaceAll(test, docs);
    }
  }
}"""


@pytest.fixture(params=["en", "ko"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the language of the pages, and of what a step notes in the history of a key."""
    with translation.override(request.param):
        yield request.param


@pytest.fixture
def open_page(
    browser: Browser, live_server: LiveServer, settings: Settings, language: str
) -> Iterator[Callable[..., Page]]:
    """Return how mina opens an address."""
    user, _ = get_user_model().objects.get_or_create(
        username="mina", is_staff=True, is_superuser=True
    )
    contexts = []

    def open_address(path: str = LIST, *, width: int = 900, dark: bool = False) -> Page:
        client = Client()
        client.force_login(user)  # anew: a change of SECRET_KEY ends a session
        context = browser.new_context(
            color_scheme="dark" if dark else "light",
            locale=language,
            viewport={"width": width, "height": 240},
            device_scale_factor=2 if width < 500 else 1,
        )
        contexts.append(context)
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.clock.install()
        page.goto(live_server.url + path)
        return page

    yield open_address
    for context in contexts:
        context.close()


@pytest.fixture
def shoot(open_page: Open, cloudfront: Shell, language: str) -> Shoot:
    """Return how to take a picture of an address, or of a page that is open."""

    def take(name: str, path: str | Page = LIST, **how: object) -> None:
        page = open_page(path, **how) if isinstance(path, str) else path
        page.wait_for_load_state()  # a click has left the page before
        known = KeyPair.objects.exclude(key_pair_id=None).values_list("key_pair_id", flat=True)
        ids = sorted({cloudfront.settings_key_id, *filter(None, known)})
        names = [*zip(ids, KEY_PAIR_IDS, strict=False), (cloudfront.key_group_id, KEY_GROUP_ID)]
        page.evaluate(RENAME, [list(each) for each in names])
        if name not in FRAMED:
            page.add_style_tag(content=WITHOUT_FRAME)
        write(f"rotation-{name}" + (".ko" if language == "ko" else ""), page, full_page=True)

    return take


def start(story: Shell, language: str) -> KeyPair:
    """Generate the successor."""
    rotation = story.rotation(changed_by="mina")
    return rotation.start(algorithm=ECDSA, now=story.now, reason=WRITES[language][0])


def test_rotation(
    shoot: Shoot, story: Shell, settings: Settings, open_page: Open, language: str
) -> None:
    """From the key of the settings to a young key in the database."""
    shoot("settings-key")
    former = story.imported(days=97)
    shoot("old")
    shoot("start", address("start"))
    key_pair = start(story, language)
    story.wait(15)
    shoot("new")
    shoot("trust", address("trust", key_pair))
    if language == "en":  # no Korean page is about it
        settings.AWS_CLOUDFRONT_BY_HAND = True
        shoot("by-hand", address("trust", key_pair))
        settings.AWS_CLOUDFRONT_BY_HAND = False

    story.wait(40)
    story.rotation().trust(key_pair, now=story.now)
    story.wait(20)
    story.rotation().check(key_pair, now=story.now)
    story.wait(120)
    shoot("waiting", width=1180)
    shoot("waiting-dark", dark=True)
    shoot("waiting-phone", width=390)
    story.wait(190)
    shoot("ready")
    shoot("activate", address("activate", key_pair))

    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None
    page = open_page(address("activate", key_pair))
    page.locator(SUBMIT).click()
    shoot("retiring", page)
    story.wait(7 * DAY + 300)
    shoot("due")
    page = open_page(address("retire", former))
    shoot("retire", page)
    page.locator(SUBMIT).click()
    shoot("retired", page)
    story.wait(12 * DAY)
    shoot("calm")
    shoot("calm-phone", width=390)
    shoot("detail", f"{LIST}{former.pk}/change/")


@pytest.fixture
def former(story: Shell, settings: Settings) -> KeyPair:
    """Return the key that the settings held before."""
    key_pair = story.imported(days=97)
    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None
    return key_pair


def test_revoke(
    shoot: Shoot, story: Shell, former: KeyPair, open_page: Open, language: str
) -> None:
    """The signing key has leaked."""
    story.wait(30 * DAY)
    path = address("revoke", former)
    shoot("revoke", path)
    shoot("revoke-phone", path, width=390)
    page = open_page(path)
    page.locator("#id_typed").fill(str(former))
    page.locator("#id_reason").fill(WRITES[language][1])
    page.locator(SUBMIT).click()
    page.wait_for_url(f"**{LIST}")  # a new key is made first
    shoot("revoked", page)


def test_denied(
    shoot: Shoot,
    story: Shell,
    former: KeyPair,
    open_page: Open,
    cloudfront: Shell,
    language: str,
) -> None:
    """AWS refuses a call, and the page says what is missing and how to go on."""
    page = open_page(address("trust", start(story, language)))
    cloudfront.failure = DENIED
    page.locator(SUBMIT).click()
    shoot("denied", page)
