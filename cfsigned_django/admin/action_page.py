"""The page that a person reads before confirming a step: its consequences, and manual work."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.utils.translation import get_language, gettext as _

from cfsigned_django.admin.forms import StepForm
from cfsigned_django.admin.snapshot import Snapshot
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.encryption import CannotDecrypt
from cfsigned_django.phrase import translated
from cfsigned_django.rotation.lifecycle import ENDED, retirement_wait
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.stages import date_and_time, in_words
from cfsigned_django.rotation.steps import Step, consequences_of_revocation
from cfsigned_django.rotation.store import Blocked
from cfsigned_django.signing import InvalidKey


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
