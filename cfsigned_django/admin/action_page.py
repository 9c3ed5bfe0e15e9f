"""Show what a step will do, and take it when it is confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from django.contrib import messages
from django.db import router
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from cfsigned_django.admin.actions import (
    FAILURES,
    Move,
    NotTheKey,
    Outcome,
    is_revoked,
    put_in_words,
)
from cfsigned_django.admin.effects import describe_effect
from cfsigned_django.admin.forms import StepForm, form_class
from cfsigned_django.admin.snapshot import Snapshot
from cfsigned_django.admin.steps import Offer, Step, find_offers
from cfsigned_django.aws.client import AwsError
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.rotation import RotationError
from cfsigned_django.rotation.site import site_rotation


class Frame(Protocol):
    """What a step page needs of the admin around it."""

    def render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """Return a page inside the admin's frame."""

    def show_state(self, request: HttpRequest, *problems: str) -> HttpResponse:
        """Return the present state, without a frame, and the problems that were found."""

    def redirect_to_list(self) -> HttpResponse:
        """Lead to the first page."""

    def message_user(self, request: HttpRequest, message: str, level: int) -> None:
        """Show a message on the next page."""

    def record(self, request: HttpRequest, key_pair: KeyPair, reason: str = "") -> None:
        """Write a move into the admin's log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPage:
    """The page of one step, for one request."""

    frame: Frame
    request: HttpRequest
    step: Step
    key_pair: KeyPair | None

    def respond(self) -> HttpResponse:
        """Show the page, or take the step and lead back to the first page."""
        try:
            snapshot = Snapshot.take(site_rotation())
        except FAILURES as error:
            return self._back(_failed(error))
        offer = self._find_offer(snapshot)
        if offer is None or offer.blocked:
            text = offer.blocked if offer else self._not_due()
            return self._back(Outcome(text=text, level=messages.WARNING))
        make_form = form_class(
            self.step, by_hand=snapshot.by_hand, has_spare=snapshot.successor is not None
        )
        if self.request.method != "POST":
            return self._ask(snapshot, offer, make_form(self.key_pair))
        form = make_form(self.key_pair, self.request.POST)
        if not form.is_valid():
            return self._ask(snapshot, offer, form)
        try:
            return self._back(*self._take(form))
        except (AwsError, NotTheKey) as error:
            return self._ask(snapshot, offer, form, error)
        except FAILURES as error:
            return self._back(_failed(error))

    @property
    def _is_quiet(self) -> bool:
        """Tell whether an open page asks by itself, and wants its new state back.

        It only looks. Any other step is taken as it is for everybody: without
        AWS it would count as done by hand.
        """
        return self.step is Step.CHECK and bool(self.request.POST.get("quiet"))

    def _find_offer(self, snapshot: Snapshot) -> Offer | None:
        key = self.key_pair and self.key_pair.pk
        for offer in find_offers(snapshot):
            if offer.step is self.step and (offer.key_pair and offer.key_pair.pk) == key:
                return offer
        return None

    def _not_due(self) -> str:
        if self.key_pair is None:
            return _("This step is not due now.")
        return _("This step is not due: %(key)s is %(status)s.") % {
            "key": self.key_pair,
            "status": self.key_pair.get_status_display(),
        }

    def _take(self, form: StepForm) -> list[Outcome]:
        """Take the step, and say how far it came: a revocation may come half-way."""
        try:
            return [self._move(form)]
        except FAILURES as error:
            if self.step is not Step.REVOKE or self.key_pair is None:
                raise
            self.key_pair.refresh_from_db(using=router.db_for_write(KeyPair))
            if self.key_pair.status != KeyStatus.REVOKED:
                raise
            return [
                Outcome(text=is_revoked(self.key_pair), level=messages.WARNING),
                _failed(error),
            ]

    def _move(self, form: StepForm) -> Outcome:
        recorded: list[KeyPair] = []

        def record(key_pair: KeyPair) -> None:
            recorded.append(key_pair)
            self.frame.record(self.request, key_pair)

        rotation = site_rotation(
            changed_by=self.request.user.get_username()[:150],
            # A page that looks by itself every few seconds asks the edges, and not AWS.
            by_hand=self._is_quiet,
            on_move=record,
            on_restore=lambda each: self.frame.record(self.request, each, KnownReason.PUT_BACK),
        )
        move = Move(
            rotation=rotation,
            now=rotation.store.clock(),
            key_pair=self.key_pair,
            answers=form.cleaned_data,
        )
        outcome = move.take(self.step)
        if outcome.key_pair is not None and not recorded:
            reason = form.cleaned_data.get("reason", "")
            self.frame.record(self.request, outcome.key_pair, reason)
        return outcome

    def _ask(
        self,
        snapshot: Snapshot,
        offer: Offer,
        form: StepForm,
        failure: AwsError | RotationError | None = None,
    ) -> HttpResponse:
        context = {
            **describe_effect(snapshot, self.key_pair),
            "title": offer.label if self.key_pair is None else f"{offer.label}: {self.key_pair}",
            "offer": offer,
            "form": form,
            "failure": put_in_words(failure) if failure else "",
            "is_aws_failure": isinstance(failure, AwsError),
            "by_hand": snapshot.by_hand,
            "effect_template": f"admin/cfsigned_django/keypair/consequences/{self.step}.html",
        }
        return self.frame.render(self.request, "step.html", context)

    def _back(self, *outcomes: Outcome) -> HttpResponse:
        """Lead to the first page; where that page asked by itself, return its new state."""
        if self._is_quiet:
            bad = (each.text for each in outcomes if each.level == messages.ERROR)
            return self.frame.show_state(self.request, *bad)
        for outcome in outcomes:
            self.frame.message_user(self.request, outcome.text, outcome.level)
        return self.frame.redirect_to_list()


def _failed(error: Exception) -> Outcome:
    return Outcome(text=put_in_words(error), level=messages.ERROR)
