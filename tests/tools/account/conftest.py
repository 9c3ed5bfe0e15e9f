"""Give every test here a separate account of the emulator."""

from __future__ import annotations

from tests.plugins_aws import (
    aws_account as aws_account,
    bucket_name as bucket_name,
    clients as clients,
    ministack as ministack,
)
