"""The pages of the key pairs for one person: the list, and each step with its form and result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, Self
from uuid import UUID

import django
from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext as _, gettext_lazy

from cfsigned_django.admin.overview import (
    ERROR,
    Notice,
    Overview,
    Snapshot,
    make_card,
    make_overview,
)
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.encryption import CannotDecrypt
from cfsigned_django.core.text import Phrase, translated
from cfsigned_django.core.validation import KEY_GROUP_ID, KEY_PAIR_ID
from cfsigned_django.rotation.lifecycle import ENDED, KeyStatus, retirement_wait
from cfsigned_django.rotation.models import REASON_LENGTH, KeyPair, KnownReason
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.rotation.stages import ROTATE, Action, date_and_time, in_words
from cfsigned_django.rotation.steps import FAILURES, Step, consequences_of_revocation, take
from cfsigned_django.rotation.store import Blocked, RotationError, Unfinished
from cfsigned_django.signing import InvalidKey, KeyAlgorithm


class StepForm(forms.Form):
    """Ask for confirmation only. The initial data has the ``name`` of the step's key pair."""

    def answers(self) -> dict[str, Any]:
        """Return the answers as arguments of :func:`steps.take`."""
        wanted = ("algorithm", "reason", "key_pair_id")
        return {name: self.cleaned_data[name] for name in wanted if name in self.cleaned_data}


class StartForm(StepForm):
    """Ask for the algorithm of the new key, and the reason."""

    algorithm = forms.TypedChoiceField(
        label=gettext_lazy("Algorithm"),
        choices=[
            (
                KeyAlgorithm.ECDSA_P256.value,
                gettext_lazy("ECDSA P-256: shorter links, faster signing"),
            ),
            (
                KeyAlgorithm.RSA_2048.value,
                gettext_lazy(
                    "RSA 2048: only if something that checks signatures does not support ECDSA"
                ),
            ),
        ],
        coerce=KeyAlgorithm,
        initial=KeyAlgorithm.ECDSA_P256.value,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("For the record, such as a date or a ticket."),
        max_length=REASON_LENGTH,
        required=False,
    )


class KeyPairIdForm(StepForm):
    """Ask for the public key ID of a key that a person created in CloudFront."""

    key_pair_id = forms.CharField(
        label=gettext_lazy("Public key ID"),
        help_text=gettext_lazy("CloudFront shows it under Public keys. Example: K2JCJMDEHXQW5F"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )

    def clean_key_pair_id(self) -> str:
        key_pair_id: str = self.cleaned_data["key_pair_id"]
        if KEY_GROUP_ID.fullmatch(key_pair_id):
            raise forms.ValidationError(
                _("This looks like the ID of a key group. Enter the public key ID.")
            )
        if not KEY_PAIR_ID.fullmatch(key_pair_id) or not key_pair_id.startswith("K"):
            raise forms.ValidationError(
                _("This is not a valid public key ID. Enter K, then capital letters and digits.")
            )
        return key_pair_id


class RemovedForm(StepForm):
    """Ask for confirmation that the key was removed from CloudFront by hand."""

    removed = forms.BooleanField(
        label=gettext_lazy("I removed it from the key group and deleted the public key"),
    )


class RevokeForm(StepForm):
    """Ask for the public key ID to be typed, as a second confirmation."""

    typed = forms.CharField(
        label="",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("For the record, such as where it leaked."),
        max_length=REASON_LENGTH,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["typed"].label = _("Type %(name)s to revoke it") % self.initial

    def clean_reason(self) -> str:
        """Return the reason; by default, that the key was revoked in the admin."""
        return self.cleaned_data["reason"] or KnownReason.REVOKED_IN_ADMIN

    def clean_typed(self) -> str:
        """Return what was typed if it is the name of the key pair; refuse anything else."""
        typed: str = self.cleaned_data["typed"]
        if typed != self.initial["name"]:
            raise forms.ValidationError(
                _("This is not %(name)s. Nothing was revoked."), params=dict(self.initial)
            )
        return typed


def form_class(action: Action, *, by_hand: bool) -> type[StepForm]:
    match action:
        case Action.START:
            return StartForm
        case Action.TRUST if by_hand:
            return KeyPairIdForm
        case Action.CORRECT:
            return KeyPairIdForm
        case Action.RETIRE | Action.FINISH if by_hand:
            return RemovedForm
        case Action.REVOKE:
            return RevokeForm
        case _asks_nothing:
            return StepForm


def page_of(
    snapshot: Snapshot,
    step: Step,
    form: StepForm,
    failure: Exception | None = None,
) -> dict[str, Any]:
    """Return the context of a step's page; ``failure`` is why the step was not done."""
    key_pair = step.key_pair
    waits = snapshot.rotation.waits
    active = snapshot.active
    # A duration, not a date: the wait begins only when the person confirms.
    retirement = retirement_wait(active.state, waits) if active else waits.retirement
    values: dict[str, Any] = {
        "title": step.label if key_pair is None else f"{step.label}: {key_pair}",
        "button": step,
        "form": form,
        "failure": [(Notice(ERROR, text).html, is_quote) for text, is_quote in _lines(failure)],
        "is_aws_failure": isinstance(failure, AwsError),
        "by_hand": snapshot.rotation.by_hand,
        "consequences_template": f"admin/cfsigned_django/keypair/consequences/{step.action}.html",
        "key_group_id": snapshot.rotation.key_group_id,
        "signing_key": snapshot.signing_name,
        "active": active,
        "outdated_successor": snapshot.outdated_successor,
        "settings_key_id": snapshot.settings_key_id,
        "propagation": in_words(waits.propagation),
        "keyring": in_words(waits.keyring),
        "retirement": in_words(retirement),
    }
    if key_pair is not None:
        values |= {
            "key": key_pair,
            "public_key": ShownKey.of(key_pair),
            "documentation": _page_about_leaks(),
            "revocation": consequences_of_revocation(snapshot.rotation, key_pair, now=snapshot.now),
            "retiring_since": key_pair.retiring_at and date_and_time(key_pair.retiring_at),
        }
    return values


def _page_about_leaks() -> str:
    """Return the address of a page of the documentation; empty if the package names none."""
    try:
        named = metadata("cfsigned-django").get_all("Project-URL") or []
    except PackageNotFoundError:  # a checkout on the path, which is not installed
        return ""
    index = dict(each.split(", ", 1) for each in named).get("Documentation", "")
    page = "ko/key-leaked.md" if get_language() == "ko" else "how-to/key-leaked.md"
    return index and f"{index.removesuffix('index.md')}{page}"


def put_in_words(error: Exception) -> str:
    """Return a failure as text, in the person's language if this package wrote the text."""
    return " ".join(
        f'"{text.rstrip(".")}".' if is_quote else text for text, is_quote in _lines(error)
    )


def _lines(error: Exception | None) -> Iterator[tuple[str, bool]]:
    """Yield what failed, AWS's own words, and what to do; True for the words, which are English."""
    if isinstance(error, AwsError):
        reason = error.reason
        if error.detail and isinstance(reason, Phrase):
            reason = Phrase(reason.pattern, **{**reason.values, "detail": ""})
        values = {"what": translated(error.what, _), "reason": translated(reason, _)}
        yield _("Could not %(what)s: %(reason)s.") % values, False
        if error.detail:
            yield error.detail, True
        if isinstance(error.__cause__, AwsError):  # another call that failed: its text comes next
            yield from _lines(error.__cause__)
        else:
            yield translated(error.next_step, _), False
    elif isinstance(error, Blocked):
        text = _("%(key)s is not ready for this step. The page shows what it is waiting for.")
        yield text % {"key": error.key_pair}, False
    elif error is not None:
        yield translated(error, _), False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKey:
    """A public key to read, copy and download, or the reason why it is not shown."""

    file_name: str
    pem: str = ""
    problem: str = ""

    @classmethod
    def of(cls, key_pair: KeyPair) -> Self:
        """Return the public key that belongs to the encrypted private key.

        The column is not trusted: someone with write access to the table could
        have replaced the key that a person then adds to CloudFront. The column
        is used only if the key pair is retired or revoked, since its private key
        is then erased.
        """
        file_name = f"{key_pair.name_in_cloudfront}-public.pem"
        if key_pair.status in ENDED:
            return cls(file_name=file_name, pem=key_pair.public_key)
        try:
            return cls(file_name=file_name, pem=key_pair.open_public_key())
        except (CannotDecrypt, ImproperlyConfigured, InvalidKey) as error:
            text = _("The public key is not shown.")
            return cls(file_name=file_name, problem=f"{text} {translated(error, _)}")

    def as_file(self) -> HttpResponse:
        disposition = f'attachment; filename="{self.file_name}"'
        return HttpResponse(
            self.pem,
            content_type="application/x-pem-file",
            headers={"Content-Disposition": disposition},
        )


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
                Snapshot.take(rotation or site_rotation(takes_steps=False)),
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
            snapshot = Snapshot.take(site_rotation(takes_steps=False))
            if snapshot.find(key_pair.pk) is not None:  # else it belongs to another key group
                steps = snapshot.allowed_steps(self.permissions)
                shown["card"] = make_card(snapshot, key_pair)
                shown["buttons"] = [each for each in steps if each.key_pair == key_pair]
        return shown

    def download(self, pk: UUID) -> HttpResponse:
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
