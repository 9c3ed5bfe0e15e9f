"""List every id that a finding of the doctor may have. Ids are API: they keep their meaning."""

from __future__ import annotations

from cfsigned_django.doctor.aws_kinds import AWS_KINDS
from cfsigned_django.doctor.findings import Finding, Kind
from cfsigned_django.doctor.live_kinds import LIVE_KINDS
from cfsigned_django.doctor.site_kinds import SITE_KINDS
from cfsigned_django.doctor.url_kinds import URL_KINDS

#: Id -> what all findings of that id have in common, in the order of a request's way.
KINDS: dict[str, Kind] = {**SITE_KINDS, **AWS_KINDS, **LIVE_KINDS, **URL_KINDS}


def finding(
    kind_id: str, what: str, *, subject: str, why: str | None = None, fix: str | None = None
) -> Finding:
    """Return a finding of a kind; ``why`` and ``fix`` are the kind's unless given."""
    kind = KINDS[kind_id]
    return Finding(
        id=kind_id,
        level=kind.level,
        what=what,
        why=kind.why if why is None else why,
        fix=kind.fix if fix is None else fix,
        subject=subject,
    )
