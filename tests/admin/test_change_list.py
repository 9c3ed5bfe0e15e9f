"""Test that the first page says what signs, how each key stands, and what comes next."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from cfsigned_django.rotation import store
from cfsigned_django.rotation.models import KeyPair
from tests.admin import (
    LIST,
    FakeCloudFront,
    Visitor,
    activated,
    fresh,
    imported,
    main_buttons,
    started,
    trusted,
)


def test_settings_key_is_offered_for_import(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """A site before its first rotation is told what signs, and imports it with one click."""
    page = admin.get()

    assert f"Signs now {cloudfront.settings_key_id} The key of the settings, RSA 2048 Next" in page
    assert f"Warning: {cloudfront.settings_key_id}, the key of the settings, signs." in page
    assert main_buttons(admin) == ["*Import the key of the settings", "Start rotation"]


def test_settings_key_that_cannot_be_used(admin: Visitor, settings: Settings) -> None:
    """The page also opens where the settings hold no key but a slip of the pen."""
    settings.AWS_CLOUDFRONT_KEY = "no key"

    assert "The key of the settings Next" in admin.get()


def test_no_key_is_a_problem(admin: Visitor, settings: Settings) -> None:
    """Where nothing can sign the page says so, and offers to start."""
    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None

    page = admin.get()

    assert "Signs now No key" in page
    assert "Problem: No key signs: pages with links to files fail." in page
    assert main_buttons(admin) == ["*Start rotation"]


def test_young_key_needs_nothing(admin: Visitor) -> None:
    """A key of yesterday signs in peace: nothing is due, though a rotation may start."""
    key_pair = imported(days=1)

    page = admin.get()

    assert f"Signs now {key_pair} RSA 2048, for 24 h Next Nothing to do before " in page
    assert main_buttons(admin) == ["Start rotation"]
    assert "Keys should be replaced" not in page


def test_old_key_is_to_be_replaced(admin: Visitor) -> None:
    """A key that has signed for more than 90 days is a warning, and a rotation the main step."""
    key_pair = imported(days=97)

    page = admin.get()

    assert f"Next Replace {key_pair}." in page
    assert f"Warning: {key_pair} has signed for 97 days." in page
    assert main_buttons(admin) == ["*Start rotation"]


def test_new_key_is_to_be_trusted(admin: Visitor) -> None:
    """After the start CloudFront has to trust the key; no second rotation is offered."""
    imported()
    started()

    page = admin.get()

    assert "CloudFront has to trust it" in page
    assert "create its public key in CloudFront" not in page
    assert main_buttons(admin) == ["*Let CloudFront trust it"]


def test_unprobed_key_is_to_be_checked(admin: Visitor) -> None:
    """A key that no probe has confirmed is looked at first; why it cannot sign is said."""
    imported()
    key_pair = trusted()

    page = admin.get()

    assert f"See whether CloudFront knows {key_pair}." in page
    assert "CloudFront has not yet served a probe" in page
    assert main_buttons(admin) == ["*Check again"]


def test_waiting_key_says_until_when(admin: Visitor) -> None:
    """While a key waits the main step is there, disabled, with its reason and its time."""
    imported()
    key_pair = trusted(good_for=60)

    page = admin.get()

    assert f"{key_pair} can sign at " in page
    assert "when it has worked for 5 min." in page
    assert main_buttons(admin) == ["*Activate (disabled)", "Check again"]


def test_waiting_key_shows_how_far_it_is(admin: Visitor) -> None:
    """The bar of a key that has worked for one minute of five is at a fifth."""
    imported()
    trusted(good_for=60)

    assert '<progress max="300" value="60"' in admin.client.get(LIST).text


def test_key_that_waited_may_sign(admin: Visitor) -> None:
    """After the wait the main step is to activate."""
    imported()
    key_pair = trusted(good_for=301)

    assert f"{key_pair} is ready to sign." in admin.get()
    assert main_buttons(admin) == ["*Activate", "Check again"]


def test_retiring_key_says_when_it_may_go(admin: Visitor) -> None:
    """The former key tells until when it stays, while the new one needs nothing."""
    former = imported()
    activated()

    page = admin.get()

    assert f"{former} no longer signs; it may go at " in page
    assert main_buttons(admin) == ["Start rotation"]


@pytest.mark.parametrize(
    ("seconds_ago", "pattern"),
    [
        (0, r"Nothing to do before March 10, 2027\."),
        (7 * 86400 - 3600, r"Nothing to do before 13:04:00\."),
    ],
)
def test_rest_ends_when_a_key_may_go(
    admin: Visitor, monkeypatch: pytest.MonkeyPatch, seconds_ago: int, pattern: str
) -> None:
    """A young key signs, and yet there is something to do as soon as the former may be retired."""
    noon = datetime(2027, 3, 3, 18, tzinfo=UTC)  # 12:00 in the zone of the tests
    monkeypatch.setattr(store, "read_database_clock", lambda using: noon)
    imported()
    activated(former_retiring_for=seconds_ago)

    assert re.search(pattern, admin.get())


def test_expired_key_is_to_be_retired(admin: Visitor) -> None:
    """Once its last link has expired, to retire the former key is the main step."""
    former = imported()
    activated(former_retiring_for=8 * 86400)

    assert f"{former} can go: its last link has expired." in admin.get()
    assert main_buttons(admin) == ["*Retire", "Start rotation"]


def test_spare_is_shown_as_one(admin: Visitor) -> None:
    """A spare waits without a step of its own, and a rotation can start with it."""
    imported(days=97)
    spare = trusted(spare=True, good_for=3600)

    page = admin.get()

    assert f"{spare} Trusted Spare" in page
    assert f"The spare {spare} can take over." in page
    assert main_buttons(admin) == ["*Start rotation"]
    assert "No spare key is ready" not in page


def test_spare_is_checked_like_any_other(admin: Visitor) -> None:
    """A spare that no probe has confirmed is to be looked at."""
    imported()
    trusted(spare=True)

    assert main_buttons(admin) == ["*Check again", "Start rotation"]


def test_timeline_tells_what_happened_and_what_is_ahead(admin: Visitor) -> None:
    """A card tells the moments of its key in order, and those that are still to come."""
    imported(days=10)
    trusted(good_for=60)

    html = admin.client.get(LIST).text
    successor = html.partition('class="cfsigned-timeline"')[2].partition("</ol>")[0]

    labels = ("Created", "Trusted", "Works", "Signs", "Retiring", "Retired")
    places = [successor.index(f'"cfsigned-label">{label}<') for label in labels]
    assert places == sorted(places)
    assert successor.count('aria-current="step"') == 1
    assert successor.index('aria-current="step"') < places[2]
    assert "from " in successor[places[3] : places[4]]


def test_former_keys_are_kept_in_sight(admin: Visitor, settings: Settings) -> None:
    """Ten keys that are over are shown, and all of them where somebody asks."""
    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None
    for _ in range(12):
        KeyPair.objects.filter(pk=started().pk).update(status="retired", next_in=None)

    assert admin.client.get(LIST).text.count("cfsigned-is-retired") == 10
    assert "Show 2 more" in admin.get()
    assert admin.client.get(LIST, {"all": ""}).text.count("cfsigned-is-retired") == 12


def test_fragment_is_the_page_without_its_frame(admin: Visitor) -> None:
    """What a script puts in the place of the old state is the same, and nothing around it."""
    imported()

    whole, part = admin.client.get(LIST).text, admin.client.get(LIST, {"fragment": "1"}).text

    assert "<html" in whole
    assert "<html" not in part
    assert 'id="cfsigned-overview"' in part


@pytest.mark.parametrize(("good_for", "interval"), [(60, 5), (None, 60)])
def test_page_looks_again_soon_only_while_something_goes_on(
    admin: Visitor, good_for: int | None, interval: int
) -> None:
    """An open page asks every 5 s during a short wait, and once a minute in peace."""
    imported()
    if good_for is not None:
        trusted(good_for=good_for)

    assert f'data-interval="{interval}"' in admin.client.get(LIST).text


def test_longer_waits_are_remembered(admin: Visitor, settings: Settings) -> None:
    """Links of a time when they lived longer keep their key, also where no job ever runs."""
    key_pair = imported()
    for max_expire in (30 * 86400, 3600):
        settings.AWS_CLOUDFRONT_MAX_EXPIRE = max_expire
        settings.STORAGES = dict(settings.STORAGES)  # made anew, as after a restart
        admin.get()

    assert fresh(key_pair).retirement_seconds > 30 * 86400


def test_looking_does_not_call_aws(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """The page reads the database only: it opens while AWS is down."""
    former = imported()
    trusted(good_for=60)
    cloudfront.calls.clear()

    admin.get()
    admin.get(f"{LIST}{fresh(former).pk}/change/")

    assert cloudfront.calls == []
