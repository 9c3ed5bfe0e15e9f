"""Put the key pairs into Django's admin: addresses, permissions, pages and the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import django
from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _, gettext_lazy

from cfsigned_django.admin.action_page import StepPage
from cfsigned_django.admin.actions import FAILURES, put_in_words
from cfsigned_django.admin.by_hand import is_by_hand, way_back
from cfsigned_django.admin.history import HISTORY
from cfsigned_django.admin.overview import Overview, make_card, make_overview
from cfsigned_django.admin.public_key import ShownKey
from cfsigned_django.admin.read_only import ReadOnlyAdmin
from cfsigned_django.admin.snapshot import Situation
from cfsigned_django.admin.steps import REVOKE, ROTATE, Step, find_offers
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason

_FACTS = (
    *("key_pair_id", "status", "algorithm", "key_group_id"),
    *("fingerprint", "caller_name", "changed_by", "why"),
)

TEMPLATES = "admin/cfsigned_django/keypair"


class KeyPairAdmin(ReadOnlyAdmin):
    """Show the signing keys, and rotate them step by step; nothing is added, edited or deleted.

    The private half of a key is in no field, form, search or message.
    """

    readonly_fields = ("caller_name", "why")
    change_form_template = f"{TEMPLATES}/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of the steps before Django's own, which match anything."""
        download = self.admin_site.admin_view(self.download_view)
        choose = self.admin_site.admin_view(self.by_hand_view)
        own = [
            path("by-hand/", choose, name="cfsigned_django_keypair_by_hand"),
            path("<uuid:pk>/public-key.pem", download, name="cfsigned_django_keypair_download"),
        ]
        return [*(self._step_url(step) for step in Step), *own, *super().get_urls()]

    def _step_url(self, step: Step) -> URLPattern:
        # Not in one transaction: what is intended is to be seen by others before CloudFront is
        # called, and to stay if the process dies then.
        @transaction.non_atomic_requests
        def view(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
            return self.step_view(request, step, pk)

        return path(
            f"<uuid:pk>/{step}/" if step.has_key_pair else f"{step}/",
            self.admin_site.admin_view(view),
            name=step.url_name.partition(":")[2],
        )

    def get_fieldsets(self, request: HttpRequest, obj: KeyPair | None = None) -> list[Any]:
        """Return what is known of a key pair; what has not happened is left out."""
        known = [show for name, show in HISTORY.items() if getattr(obj, name, None)]
        return [(None, {"fields": _FACTS}), (gettext_lazy("History"), {"fields": known})]

    def has_view_permission(self, request: HttpRequest, obj: KeyPair | None = None) -> bool:
        """Let those look who may view, rotate or revoke."""
        return super().has_view_permission(request, obj) or bool(self.permissions_of(request))

    def permissions_of(self, request: HttpRequest) -> frozenset[str]:
        """Return which of the permissions to rotate and to revoke the person has."""
        return frozenset(each for each in (ROTATE, REVOKE) if request.user.has_perm(each))

    def step_view(self, request: HttpRequest, step: Step, pk: UUID | None) -> HttpResponse:
        """Show the page of a step, or take the step."""
        if not step.permissions & self.permissions_of(request):
            raise PermissionDenied
        key_pair = None
        if pk is not None:
            key_pair = self.get_object(request, str(pk))
            if key_pair is None:
                self.message_user(request, _("There is no such key pair."), messages.WARNING)
                return self.redirect_to_list()
        try:
            by_hand = is_by_hand(request)
        except ImproperlyConfigured:
            return self.redirect_to_list()  # the first page says what is wrong
        page = StepPage(frame=self, request=request, step=step, key_pair=key_pair, by_hand=by_hand)
        return page.respond()

    def by_hand_view(self, request: HttpRequest) -> HttpResponse:
        """Remember whether the person changes CloudFront by hand, and lead back to the page."""
        if not self.permissions_of(request):
            raise PermissionDenied
        try:
            is_by_hand(request)
        except ImproperlyConfigured:
            return self.redirect_to_list()  # the first page says what is wrong
        back = way_back(request)
        return HttpResponseRedirect(back) if back else self.redirect_to_list()

    @transaction.non_atomic_requests
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show which key signs, how each one stands, and the next step."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if "fragment" in request.GET:
            return self.show_state(request)
        context = {"title": capfirst(self.opts.verbose_name_plural), **self._state(request)}
        return self.render(request, "change_list.html", context | (extra_context or {}))

    def show_state(self, request: HttpRequest, *problems: str) -> HttpResponse:
        """Return what an open page puts in the place of what it shows, with what it found."""
        return self.render(request, "overview.html", self._state(request, problems))

    def _state(self, request: HttpRequest, problems: Sequence[str] = ()) -> dict[str, Any]:
        overview: Overview | None = None
        problem = ""
        try:
            situation = Situation.look(by_hand=is_by_hand(request))
            overview = make_overview(
                situation,
                self.permissions_of(request),
                show_all="all" in request.GET,
                problems=problems,
            )
        except FAILURES as error:
            problem = put_in_words(error)
        group = overview.situation.rotation.key_group_id if overview else None
        return {
            "overview": overview,
            "problem": problem,
            "elsewhere": self.get_queryset(request).exclude(key_group_id=group or ""),
            "may_rotate": ROTATE in self.permissions_of(request),
        }

    @transaction.non_atomic_requests
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one key pair, to read only, with its story and its steps."""
        key_pair = self.get_object(request, object_id)
        context = {"show_close": True, "public_key": key_pair and ShownKey.of(key_pair)}
        context |= {**self._story(request, object_id), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def _story(self, request: HttpRequest, object_id: str) -> dict[str, Any]:
        try:
            situation = Situation.look(by_hand=is_by_hand(request))
        except FAILURES:
            return {}  # the first page says what is wrong
        mine = self.permissions_of(request)
        for key_pair in situation.key_pairs:
            if str(key_pair.pk) == object_id:
                offers = (each for each in find_offers(situation) if each.step.permissions & mine)
                return {
                    "card": make_card(situation, key_pair),
                    "offers": [each for each in offers if each.key_pair == key_pair],
                }
        return {}

    def download_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Return the public key as a PEM file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key_pair = self.get_object(request, str(pk))
        shown = ShownKey.of(key_pair) if key_pair else None
        if shown is None or shown.problem:
            text = shown.problem if shown else _("There is no such key pair.")
            self.message_user(request, text, messages.WARNING)
            return self.redirect_to_list()
        return shown.as_file()

    @admin.display(description=gettext_lazy("name in CloudFront"))
    def caller_name(self, key_pair: KeyPair) -> str:
        """Show the name that the public key has in CloudFront."""
        return key_pair.caller_name

    @admin.display(description=gettext_lazy("reason"))
    def why(self, key_pair: KeyPair) -> str:
        """Show the reason, in the person's language where it is this package's."""
        return key_pair.reason_in_words

    def record(self, request: HttpRequest, key_pair: KeyPair, reason: str = "") -> None:
        """Write a move into the admin's log, in the language of the site."""
        is_imported = key_pair.status == KeyStatus.ACTIVE and key_pair.trusted_at is None
        is_back = reason == KnownReason.PUT_BACK
        is_new = not is_back and (key_pair.status == KeyStatus.PENDING or is_imported)
        with translation.override(None):
            translation.deactivate()
            if is_new or key_pair.status == KeyStatus.REVOKED:
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

    def redirect_to_list(self) -> HttpResponseRedirect:
        """Lead to the first page."""
        return redirect(
            reverse("admin:cfsigned_django_keypair_changelist", current_app=self.admin_site.name)
        )
