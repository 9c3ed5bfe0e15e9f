"""Start a site that has the app installed."""

from __future__ import annotations

import subprocess
import sys

START = """
import sys
import django
from django.conf import settings

apps = ["admin", "auth", "contenttypes", "messages", "sessions"]
settings.configure(INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "cfsigned_django"])
django.setup()
print(sorted({"boto3", "botocore", "storages"} & {*sys.modules}))
"""


def test_the_start_waits_for_no_boto3() -> None:
    """Import boto3 and django-storages when they are needed; the admin starts without them."""
    done = subprocess.run(
        [sys.executable, "-c", START], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
