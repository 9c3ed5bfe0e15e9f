"""The page that a person reads before confirming a step: consequences, manual work, the form."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, Self

from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.utils.translation import get_language, gettext as _, gettext_lazy

from cfsigned_django.admin.snapshot import Snapshot
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.encryption import CannotDecrypt
from cfsigned_django.core.text import translated
from cfsigned_django.core.validation import KEY_GROUP_ID, KEY_PAIR_ID
from cfsigned_django.rotation.lifecycle import ENDED, retirement_wait
from cfsigned_django.rotation.models import REASON_LENGTH, KeyPair, KnownReason
from cfsigned_django.rotation.stages import Action, date_and_time, in_words
from cfsigned_django.rotation.steps import Step, consequences_of_revocation
from cfsigned_django.rotation.store import Blocked
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
        """Return the public key ID; refuse an invalid one."""
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
    """Return the form of a step."""
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
        "failure": put_in_words(failure) if failure else "",
        "is_aws_failure": isinstance(failure, AwsError),
        "by_hand": snapshot.rotation.by_hand,
        "consequences_template": f"admin/cfsigned_django/keypair/consequences/{step.action}.html",
        "key_group_id": snapshot.rotation.key_group_id,
        "signing_key": snapshot.signing_name,
        "active": active,
        "replaced": snapshot.replaced,
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
    if isinstance(error, AwsError):
        next_step = translated(error.next_step, _)
        if isinstance(error.__cause__, AwsError):  # another call that failed: its text comes next
            next_step = put_in_words(error.__cause__)
        return _("Could not %(what)s: %(reason)s. %(next_step)s") % {
            "what": translated(error.what, _),
            "reason": translated(error.reason, _),
            "next_step": next_step,
        }
    if isinstance(error, Blocked):
        return _("%(key)s is not ready for this step. The page shows what it is waiting for.") % {
            "key": error.key_pair
        }
    return translated(error, _)


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
        file_name = f"{key_pair.caller_name}-public.pem"
        if key_pair.status in ENDED:
            return cls(file_name=file_name, pem=key_pair.public_key)
        try:
            return cls(file_name=file_name, pem=key_pair.open_public_key())
        except (CannotDecrypt, ImproperlyConfigured, InvalidKey) as error:
            text = _("The public key is not shown.")
            return cls(file_name=file_name, problem=f"{text} {translated(error, _)}")

    def as_file(self) -> HttpResponse:
        """Return the public key as a PEM file."""
        disposition = f'attachment; filename="{self.file_name}"'
        return HttpResponse(
            self.pem,
            content_type="application/x-pem-file",
            headers={"Content-Disposition": disposition},
        )
