"""Say how to sign in to AWS; no boto3 is needed to say it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccess:
    """A profile or a pair of keys; what is left out is found where boto3 looks by itself."""

    profile_name: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)

    def arguments(self) -> dict[str, str]:
        """Return what is given, as arguments of ``make_client()``."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value}
