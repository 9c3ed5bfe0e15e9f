"""Say what a rotation waits for, in the words of the page and of cfsigned_rotate."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured

from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.kinds import finding
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.rotation.status import find_overdue, find_pending


def judge_rotation(key_group_id: str | None) -> Iterator[Finding]:
    """Yield what the keys of the group wait for, and what has waited for too long.

    Nothing where the site does not rotate this group. Raise Django's
    ``DatabaseError`` where the key pairs cannot be read.
    """
    try:
        rotation = site_rotation()
    except ImproperlyConfigured:
        return  # the system checks tell, or the site rotates nothing
    if rotation.key_group_id != key_group_id:
        return
    now = rotation.clock()
    subject = f"key group {key_group_id}"
    for text in find_overdue(rotation, now=now):
        yield finding("rotation-stuck", text, subject=subject)
    for wait in find_pending(rotation, now=now):
        yield finding("rotation-waits", wait.what, subject=subject)
