"""The pages of the key pairs: what they show to one person, and the steps taken there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import django
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cfsigned_django.admin.action_page import ShownKey, form_class, page_of, put_in_words
from cfsigned_django.admin.overview import Overview, make_card, make_overview
from cfsigned_django.admin.snapshot import Snapshot
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.rotation.stages import ROTATE, Action
from cfsigned_django.rotation.steps import FAILURES, Step, take
from cfsigned_django.rotation.store import RotationError, Unfinished

TEMPLATES = "admin/cfsigned_django/keypair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The pages for the person who sends a request."""

    admin: ModelAdmin[KeyPair]
    request: HttpRequest
    #: Which of the two permissions, to rotate and to revoke, the person has.
    permissions: frozenset[str]

    def answer_step(self, action: Action, pk: UUID | None) -> HttpResponse:
        """Show the page of a step, or take the step and redirect to the first page."""
        if not action.permissions & self.permissions:
            raise PermissionDenied
        # An open page sends this every few seconds, and replaces its content with the answer.
        is_quiet = action is Action.CHECK and bool(self.request.POST.get("quiet"))
        try:
            rotation = site_rotation(
                changed_by=self.request.user.get_username()[:150],
                on_move=self.record,
                on_restore=lambda each: self.record(each, KnownReason.PUT_BACK),
            )
            snapshot = Snapshot.take(rotation)
            key_pair = None
            if pk is not None:
                key_pair = snapshot.find(pk) or self.admin.get_object(self.request, str(pk))
                if key_pair is None:
                    return self.lead_back(_("This key pair does not exist."))
            step = snapshot.step(action, key_pair)
            if is_quiet:
                return self._check_quietly(snapshot, step)
            if step is None or step.blocked:
                return self.lead_back(step.blocked if step else _not_due(key_pair))
            return self._ask_or_take(snapshot, step)
        except FAILURES as error:
            if is_quiet:
                return self.show_state()
            return self.lead_back(put_in_words(error), messages.ERROR)

    def _check_quietly(self, snapshot: Snapshot, step: Step | None) -> HttpResponse:
        """Probe the key through CloudFront without calling its API, and return the new state."""
        problems = []
        if step is not None and step.key_pair is not None and not (step.blocked or step.is_aside):
            try:
                snapshot.rotation.record_probe(step.key_pair, now=snapshot.now)
            except FAILURES as error:
                problems.append(put_in_words(error))
        return self.show_state(problems, snapshot.rotation)

    def _ask_or_take(self, snapshot: Snapshot, step: Step) -> HttpResponse:
        make_form = form_class(step.action, by_hand=snapshot.rotation.by_hand)
        answers = self.request.POST if self.request.method == "POST" else None
        # To be typed before a revocation; a new key has no public key ID yet.
        name = key.key_pair_id or key.fingerprint[:12] if (key := step.key_pair) else ""
        form = make_form(answers, initial={"name": name})
        failure: Exception | None = None
        if form.is_valid():
            try:
                outcome = take(snapshot.rotation, step, now=snapshot.now, **form.answers())
            except AwsError as error:
                failure = error
            except Unfinished as error:
                failure = error.cause
                self.admin.message_user(self.request, error.text, messages.WARNING)
                if step.key_pair is not None and step.key_pair.status == KeyStatus.REVOKED:
                    return self.lead_back(put_in_words(failure), messages.ERROR)
            except RotationError as error:
                if "key_pair_id" not in form.fields:
                    raise
                failure = error  # the ID that was typed may be wrong
            else:
                if step.action is Action.FINISH and step.key_pair is not None:
                    self.record(step.key_pair)  # it stays REVOKED
                level = messages.WARNING if outcome.is_warning else messages.SUCCESS
                text = f"{outcome.text}\n{outcome.outlook}".strip()
                return self.lead_back(text, level)
        context = page_of(snapshot, step, form, failure)
        return self.render("step.html", context)

    def lead_back(self, text: str, level: int = messages.WARNING) -> HttpResponseRedirect:
        """Redirect to the first page, which shows the message."""
        self.admin.message_user(self.request, text, level)
        name = "admin:cfsigned_django_keypair_changelist"
        return redirect(reverse(name, current_app=self.admin.admin_site.name))

    def show_list(self, context: dict[str, Any]) -> HttpResponse:
        """Show which key signs, the state of each key, and the next step."""
        if "fragment" in self.request.GET:
            return self.show_state()
        title = capfirst(self.admin.opts.verbose_name_plural)
        return self.render("change_list.html", {"title": title, **self.state(), **context})

    def show_state(
        self, problems: Sequence[str] = (), rotation: Rotation | None = None
    ) -> HttpResponse:
        """Return the part of the first page that replaces the same part of an open page."""
        return self.render("overview.html", self.state(problems, rotation))

    def state(
        self, problems: Sequence[str] = (), rotation: Rotation | None = None
    ) -> dict[str, Any]:
        """Return the context of the first page: the state of the keys, or why it is not known."""
        overview: Overview | None = None
        problem = ""
        try:
            overview = make_overview(
                Snapshot.take(rotation or site_rotation()),
                self.permissions,
                show_all="all" in self.request.GET,
                problems=problems,
            )
        except FAILURES as error:
            problem = put_in_words(error)
        group = overview.snapshot.rotation.key_group_id if overview else ""
        return {
            "overview": overview,
            "problem": problem,
            "elsewhere": self.admin.get_queryset(self.request).exclude(key_group_id=group),
            "may_rotate": ROTATE in self.permissions,
        }

    def of_key(self, key_pair: KeyPair) -> dict[str, Any]:
        """Return what the page of a key pair shows besides its fields: timeline and steps."""
        shown: dict[str, Any] = {"public_key": ShownKey.of(key_pair)}
        with suppress(*FAILURES):  # the first page says what is wrong
            snapshot = Snapshot.take(site_rotation())
            if snapshot.find(key_pair.pk) is not None:  # else it belongs to another key group
                steps = snapshot.allowed_steps(self.permissions)
                shown["card"] = make_card(snapshot, key_pair)
                shown["buttons"] = [each for each in steps if each.key_pair == key_pair]
        return shown

    def download(self, pk: UUID) -> HttpResponse:
        """Return the public key as a PEM file."""
        key_pair = self.admin.get_object(self.request, str(pk))
        shown = ShownKey.of(key_pair) if key_pair else None
        if shown is None or shown.problem:
            text = shown.problem if shown else _("This key pair does not exist.")
            return self.lead_back(text)
        return shown.as_file()

    def record(self, key_pair: KeyPair, reason: str = "") -> None:
        """Write a transition into the admin's log, in the language of the site."""
        is_imported = key_pair.status == KeyStatus.ACTIVE and key_pair.trusted_at is None
        stays = reason == KnownReason.PUT_BACK
        is_new = not stays and (key_pair.status == KeyStatus.PENDING or is_imported)
        with translation.override(None):
            translation.deactivate()
            if is_new or (key_pair.status == KeyStatus.REVOKED and not stays):
                reason = key_pair.reason
            reason = KnownReason.in_words(reason)
            text = f"{key_pair}: {key_pair.get_status_display()}"
        text += f" ({reason})" if reason else ""
        write = self.admin.log_addition if is_new else self.admin.log_change
        write(self.request, key_pair, text)

    def render(self, template: str, context: dict[str, Any]) -> HttpResponse:
        """Return a page of this package inside the admin's frame."""
        self.request.current_app = self.admin.admin_site.name
        return TemplateResponse(
            self.request,
            f"{TEMPLATES}/{template}",
            {
                **self.admin.admin_site.each_context(self.request),
                "opts": self.admin.opts,
                # Django 6.1 made its breadcrumbs a list.
                "breadcrumbs_are_a_list": django.VERSION >= (6, 1),
                **context,
            },
        )


def _not_due(key_pair: KeyPair | None) -> str:
    """Return why a step is refused: it is no longer due, or never was due."""
    if key_pair is None:
        return _("This step is not due now.")
    return _("This step is not due: %(key)s is %(status)s.") % {
        "key": key_pair,
        "status": key_pair.get_status_display(),
    }
