"""Ask a person for what a step needs to know; no private key is ever entered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import router
from django.utils.translation import gettext as _, gettext_lazy

from cfsigned_django.rotation.models import REASON_LENGTH, KeyPair, KnownReason
from cfsigned_django.rotation.steps import Action
from cfsigned_django.signing import KeyAlgorithm
from cfsigned_django.validation import KEY_GROUP_ID, KEY_PAIR_ID


class StepForm(forms.Form):
    """Ask nothing but to go on. ``key_pair`` is the one that the step is about."""

    def __init__(self, key_pair: KeyPair | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key_pair = key_pair

    def answers(self) -> dict[str, Any]:
        """Return what the step needs to know: arguments of :func:`steps.take`."""
        wanted = ("algorithm", "reason", "spare", "key_pair_id")
        return {name: self.cleaned_data[name] for name in wanted if name in self.cleaned_data}


class StartForm(StepForm):
    """Ask what kind of key the next one shall be, and why it is made."""

    algorithm = forms.TypedChoiceField(
        label=gettext_lazy("Algorithm"),
        choices=[
            (
                KeyAlgorithm.ECDSA_P256.value,
                gettext_lazy("ECDSA P-256: shorter links, faster signing"),
            ),
            (
                KeyAlgorithm.RSA_2048.value,
                gettext_lazy("RSA 2048: for whatever checks signatures and knows RSA only"),
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
    spare = forms.BooleanField(
        label=gettext_lazy("Only keep it ready, as a spare"),
        help_text=gettext_lazy("CloudFront trusts a spare, which signs when somebody says so."),
        required=False,
    )


class StartWithSpareForm(StepForm):
    """Ask why the spare shall sign."""

    reason = StartForm.base_fields["reason"]


class KeyPairIdForm(StepForm):
    """Ask for the id that CloudFront gave to a public key which a person created there."""

    key_pair_id = forms.CharField(
        label=gettext_lazy("Id of the public key in CloudFront"),
        help_text=gettext_lazy("It begins with K, such as K2JCJMDEHXQW5F."),
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )

    def clean_key_pair_id(self) -> str:
        """Refuse what is no id of a public key, or the id of another one."""
        key_pair_id: str = self.cleaned_data["key_pair_id"]
        if KEY_GROUP_ID.fullmatch(key_pair_id):
            raise forms.ValidationError(
                _("This looks like the id of a key group. Wanted is the id of the public key.")
            )
        if not KEY_PAIR_ID.fullmatch(key_pair_id) or not key_pair_id.startswith("K"):
            raise forms.ValidationError(
                _("An id of a public key is K and capital letters and digits.")
            )
        others = KeyPair.objects.using(router.db_for_write(KeyPair))
        if self.key_pair is not None:
            others = others.exclude(pk=self.key_pair.pk)
        if others.filter(key_pair_id=key_pair_id).exists():
            raise forms.ValidationError(_("This is the id of another key pair of this site."))
        return key_pair_id


class RemovedForm(StepForm):
    """Let a person confirm what was done in CloudFront by hand."""

    removed = forms.BooleanField(
        label=gettext_lazy("I took it out of the key group and deleted the public key"),
    )


class RevokeForm(StepForm):
    """Ask a second time: the key pair id is to be typed."""

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

    def __init__(self, key_pair: KeyPair | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(key_pair, *args, **kwargs)
        self.wanted = typed_name(key_pair) if key_pair else ""
        self.fields["typed"].label = _("Type %(name)s to revoke it") % {"name": self.wanted}

    def clean_reason(self) -> str:
        """Return the reason, or where the key was revoked."""
        return self.cleaned_data["reason"] or KnownReason.REVOKED_IN_ADMIN

    def clean_typed(self) -> str:
        """Refuse everything but the name of the key pair."""
        typed: str = self.cleaned_data["typed"]
        if typed != self.wanted:
            raise forms.ValidationError(
                _("This is not %(name)s: nothing was revoked."), params={"name": self.wanted}
            )
        return typed


def typed_name(key_pair: KeyPair) -> str:
    """Return what is typed to name a key pair: its id, or the begin of its fingerprint."""
    return key_pair.key_pair_id or key_pair.fingerprint[:12]


def form_class(action: Action, *, by_hand: bool, has_spare: bool) -> type[StepForm]:
    """Return the form of a step."""
    match action:
        case Action.START:
            return StartWithSpareForm if has_spare else StartForm
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
