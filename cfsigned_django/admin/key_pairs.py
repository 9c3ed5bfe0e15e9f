"""The key pairs in Django's admin: addresses, permissions, pages and the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import django
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import connections, router, transaction
from django.db.models import Field, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _, gettext_lazy

from cfsigned_django.admin.action_page import ShownKey, page_of
from cfsigned_django.admin.actions import (
    REVOKE,
    ROTATE,
    AvailableAction,
    available_actions,
    is_revoked,
    not_due,
    permissions_for,
    put_in_words,
    url_name,
)
from cfsigned_django.admin.forms import form_class
from cfsigned_django.admin.overview import Overview, make_card, make_overview
from cfsigned_django.admin.snapshot import Snapshot
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.errors import NotTheKey, Unfinished
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.rotation.status import date_and_time
from cfsigned_django.rotation.steps import FAILURES, Action, Step, take

if TYPE_CHECKING:
    Base = admin.ModelAdmin[KeyPair]
else:
    Base = admin.ModelAdmin

_View = TypeVar("_View", bound=Callable[..., HttpResponse])

_FACTS = (
    *("key_pair_id", "status", "algorithm", "key_group_id"),
    *("fingerprint", "caller_name", "changed_by", "why"),
)

_MOMENTS = (
    *("created_at", "trusted_at", "verified_since", "active_at"),
    *("retiring_at", "retired_at", "revoked_at", "removed_at"),
)

#: What the admin log says of a step in which a key pair keeps its state.
_REASONS = {Action.RE_ENCRYPT: KnownReason.RE_ENCRYPTED}

TEMPLATES = "admin/cfsigned_django/keypair"


def _shown(field: Field[Any, Any]) -> Callable[[KeyPair], str]:
    """Return a column that shows a moment in 24-hour time; Django's format shows "2 p.m."."""

    @admin.display(description=field.verbose_name)
    def show(key_pair: KeyPair) -> str:
        return date_and_time(getattr(key_pair, field.name))

    show.__name__ = field.name  # Django uses it as a CSS class
    return show


#: The column of each moment that a key pair may have, by the name of its field.
_HISTORY = {field.name: _shown(field) for field in KeyPair._meta.fields if field.name in _MOMENTS}


def _outside_transactions(view: _View) -> _View:
    """Return the view, which ATOMIC_REQUESTS of no database puts into a transaction.

    A step commits what it intends before it calls CloudFront, so other
    processes see it, and it is not lost if this process dies.
    """
    for using in connections:
        view = transaction.non_atomic_requests(using=using)(view)
    return view


class KeyPairAdmin(Base):
    """Show the signing keys, and rotate them step by step; nothing is added, edited or deleted.

    The private half of a key is in no field, form, search or message.
    """

    readonly_fields = ("caller_name", "why")
    change_form_template = f"{TEMPLATES}/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of the steps before Django's own, which match anything."""
        download = self.admin_site.admin_view(self.download_view)
        own = path("<uuid:pk>/public-key.pem", download, name="cfsigned_django_keypair_download")
        return [*(self._step_url(action) for action in Action), own, *super().get_urls()]

    def _step_url(self, action: Action) -> URLPattern:
        @_outside_transactions
        def view(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
            return self.step_view(request, action, pk)

        return path(
            f"<uuid:pk>/{action}/" if action.has_key_pair else f"{action}/",
            self.admin_site.admin_view(view),
            name=url_name(action).partition(":")[2],
        )

    def get_fieldsets(self, request: HttpRequest, obj: KeyPair | None = None) -> list[Any]:
        """Return the fields of a key pair, without moments that have not happened."""
        known = [show for name, show in _HISTORY.items() if getattr(obj, name, None)]
        return [(None, {"fields": _FACTS}), (gettext_lazy("History"), {"fields": known})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[KeyPair]:
        """Return the key pairs from the database that takes writes, since a replica may lag."""
        return super().get_queryset(request).using(router.db_for_write(KeyPair))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: keys are generated by a rotation."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: KeyPair | None = None) -> bool:
        """Refuse: keys change by steps only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: KeyPair | None = None) -> bool:
        """Refuse: keys are retired or revoked, and their history stays."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: KeyPair | None = None) -> bool:
        """Allow people who may view, rotate or revoke."""
        return super().has_view_permission(request, obj) or bool(self.permissions_of(request))

    def permissions_of(self, request: HttpRequest) -> frozenset[str]:
        """Return which of the two permissions, to rotate and to revoke, the person has."""
        return frozenset(each for each in (ROTATE, REVOKE) if request.user.has_perm(each))

    def step_view(self, request: HttpRequest, action: Action, pk: UUID | None) -> HttpResponse:
        """Show the page of a step, or take the step and redirect to the first page."""
        if not permissions_for(action) & self.permissions_of(request):
            raise PermissionDenied
        # An open page sends this every few seconds, and replaces its content with the answer.
        is_quiet = action is Action.CHECK and bool(request.POST.get("quiet"))
        logged: list[KeyPair] = []
        try:
            snapshot = Snapshot.take(self._rotation(request, logged))
            key_pair = None
            if pk is not None:
                key_pair = snapshot.find(pk) or self.get_object(request, str(pk))
                if key_pair is None:
                    return self._lead_back(request, _("This key pair does not exist."))
            step = snapshot.step(action, key_pair)
            if is_quiet:
                return self._check_quietly(request, snapshot, step)
            if step is None or step.blocked:
                return self._lead_back(request, step.blocked if step else not_due(action, key_pair))
            return self._ask_or_take(request, snapshot, step, logged)
        except FAILURES as error:
            if is_quiet:
                return self.show_state(request)
            return self._lead_back(request, put_in_words(error), messages.ERROR)

    def _rotation(self, request: HttpRequest, logged: list[KeyPair]) -> Rotation:
        """Return the site's rotation, which writes each transition into the admin's log."""

        def log(key_pair: KeyPair) -> None:
            logged.append(key_pair)
            self.record(request, key_pair)

        return site_rotation(
            changed_by=request.user.get_username()[:150],
            on_move=log,
            on_restore=lambda each: self.record(request, each, KnownReason.PUT_BACK),
        )

    def _check_quietly(
        self, request: HttpRequest, snapshot: Snapshot, step: Step | None
    ) -> HttpResponse:
        """Probe the key through CloudFront without calling its API, and return the new state."""
        problems = []
        if step is not None and not step.blocked:
            try:
                without_calls = replace(snapshot.rotation, key_groups=None)
                take(without_calls, step, now=snapshot.now)
            except FAILURES as error:
                problems.append(put_in_words(error))
        return self.show_state(request, problems, snapshot.rotation)

    def _ask_or_take(
        self, request: HttpRequest, snapshot: Snapshot, step: Step, logged: list[KeyPair]
    ) -> HttpResponse:
        has_spare = snapshot.successor is not None and snapshot.replaced is None
        make_form = form_class(step.action, by_hand=snapshot.by_hand, has_spare=has_spare)
        form = make_form(step.key_pair, request.POST if request.method == "POST" else None)
        failure: Exception | None = None
        if form.is_valid():
            try:
                outcome = take(snapshot.rotation, step, now=snapshot.now, **form.answers())
            except (AwsError, NotTheKey) as error:
                failure = error
            except Unfinished as error:
                failure = error.cause
                if step.key_pair is not None and step.key_pair.status == KeyStatus.REVOKED:
                    self.message_user(request, is_revoked(step.key_pair), messages.WARNING)
                    return self._lead_back(request, put_in_words(failure), messages.ERROR)
            else:
                for key_pair in () if logged else outcome.key_pairs:
                    reason = form.answers().get("reason", _REASONS.get(step.action, ""))
                    self.record(request, key_pair, reason)
                level = messages.WARNING if outcome.is_warning else messages.SUCCESS
                text = f"{outcome.text} {outcome.outlook}".strip()
                if not outcome.unproven:
                    return self._lead_back(request, text, level)
                self.message_user(request, text, level)
                form = make_form(step.key_pair, {})  # asks about those that are left
        button = AvailableAction.of(snapshot, step)
        return self.render(request, "step.html", page_of(snapshot, button, form, failure))

    def _lead_back(
        self, request: HttpRequest, text: str, level: int = messages.WARNING
    ) -> HttpResponseRedirect:
        """Redirect to the first page, which shows the message."""
        self.message_user(request, text, level)
        name = "admin:cfsigned_django_keypair_changelist"
        return redirect(reverse(name, current_app=self.admin_site.name))

    @_outside_transactions
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show which key signs, the state of each key, and the next step."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if "fragment" in request.GET:
            return self.show_state(request)
        context = {"title": capfirst(self.opts.verbose_name_plural), **self._state(request)}
        return self.render(request, "change_list.html", context | (extra_context or {}))

    def show_state(
        self, request: HttpRequest, problems: Sequence[str] = (), rotation: Rotation | None = None
    ) -> HttpResponse:
        """Return the part of the first page that replaces the same part of an open page."""
        return self.render(request, "overview.html", self._state(request, problems, rotation))

    def _state(
        self, request: HttpRequest, problems: Sequence[str] = (), rotation: Rotation | None = None
    ) -> dict[str, Any]:
        overview: Overview | None = None
        problem = ""
        try:
            overview = make_overview(
                Snapshot.take(rotation or site_rotation()),
                self.permissions_of(request),
                show_all="all" in request.GET,
                problems=problems,
            )
        except FAILURES as error:
            problem = put_in_words(error)
        group = overview.snapshot.rotation.key_group_id if overview else ""
        return {
            "overview": overview,
            "problem": problem,
            "elsewhere": self.get_queryset(request).exclude(key_group_id=group),
            "may_rotate": ROTATE in self.permissions_of(request),
        }

    @_outside_transactions
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one key pair, read-only, with its timeline and its steps."""
        if not self.has_view_permission(request):
            raise PermissionDenied  # before anything is read, or recorded
        key_pair = self.get_object(request, object_id)
        context = {"show_close": True, **(extra_context or {})}
        if key_pair is not None:
            context |= {"public_key": ShownKey.of(key_pair), **self._story(request, key_pair)}
        return super().change_view(request, object_id, form_url, context)

    def _story(self, request: HttpRequest, key_pair: KeyPair) -> dict[str, Any]:
        try:
            snapshot = Snapshot.take(site_rotation())
            if snapshot.find(key_pair.pk) is None:
                return {}  # it belongs to another key group
            actions = available_actions(snapshot, self.permissions_of(request))
            return {
                "card": make_card(snapshot, key_pair),
                "buttons": [each for each in actions if each.key_pair == key_pair],
            }
        except FAILURES:
            return {}  # the first page says what is wrong

    def download_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Return the public key as a PEM file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key_pair = self.get_object(request, str(pk))
        shown = ShownKey.of(key_pair) if key_pair else None
        if shown is None or shown.problem:
            text = shown.problem if shown else _("This key pair does not exist.")
            return self._lead_back(request, text)
        return shown.as_file()

    @admin.display(description=gettext_lazy("name in CloudFront"))
    def caller_name(self, key_pair: KeyPair) -> str:
        """Return the name of the public key in CloudFront."""
        return key_pair.caller_name

    @admin.display(description=gettext_lazy("reason"))
    def why(self, key_pair: KeyPair) -> str:
        """Return the reason, translated if this package wrote it."""
        return key_pair.reason_in_words

    def record(self, request: HttpRequest, key_pair: KeyPair, reason: str = "") -> None:
        """Write a transition into the admin's log, in the language of the site."""
        is_imported = key_pair.status == KeyStatus.ACTIVE and key_pair.trusted_at is None
        stays = reason in (KnownReason.PUT_BACK, KnownReason.RE_ENCRYPTED)
        is_new = not stays and (key_pair.status == KeyStatus.PENDING or is_imported)
        with translation.override(None):
            translation.deactivate()
            if is_new or (key_pair.status == KeyStatus.REVOKED and not stays):
                reason = key_pair.reason
            reason = KnownReason.in_words(reason)
            text = f"{key_pair}: {key_pair.get_status_display()}"
        text += f" ({reason})" if reason else ""
        write = self.log_addition if is_new else self.log_change
        write(request, key_pair, text)

    def render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """Return a page of this package inside the admin's frame."""
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            f"{TEMPLATES}/{template}",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                # Django 6.1 made its breadcrumbs a list.
                "breadcrumbs_are_a_list": django.VERSION >= (6, 1),
                **context,
            },
        )
