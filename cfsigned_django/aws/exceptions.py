"""Name what goes wrong with AWS: one exception, with what a person needs to go on."""

from __future__ import annotations

from typing import Any


class AwsError(Exception):
    """Say which call was tried, why it failed, and what to do next.

    ``what``: what was tried, as in "add K2JCJMDEHXQW5F to the key group".
    ``reason``: why it failed; with ``what`` it makes one sentence.
    ``next_step``: what a person does now; a sentence of its own.
    ``code``: AWS's error code; where AWS gave no answer, the name of botocore's
    exception; where AWS was not asked, the code that it would have answered.
    ``permission``: the IAM action that the call needs, where one is known.
    ``is_temporary``: the same call may succeed later with nothing changed.
    ``detail``: AWS's own words where they help; for logs. Never a secret.
    """

    def __init__(
        self,
        *,
        what: str,
        reason: str,
        next_step: str,
        code: str,
        permission: str | None = None,
        is_temporary: bool = False,
        detail: str = "",
    ) -> None:
        super().__init__(f"Could not {what}: {reason}. {next_step}")
        self.what = what
        self.reason = reason
        self.next_step = next_step
        self.code = code
        self.permission = permission
        self.is_temporary = is_temporary
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (vars(self),)


def _restore(fields: dict[str, Any]) -> AwsError:
    return AwsError(**fields)
