"""The forms of the steps; no private key is ever entered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _, gettext_lazy

from cfsigned_django.rotation.models import REASON_LENGTH, KnownReason
from cfsigned_django.rotation.stages import Action
from cfsigned_django.signing import KeyAlgorithm
from cfsigned_django.validation import KEY_GROUP_ID, KEY_PAIR_ID


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
