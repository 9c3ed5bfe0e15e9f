"""Run a tiny project in a separate process, as a site uses the package."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cfsigned_django.signing import PrivateKey
from tests.storage_cases import DOMAIN, KEY_ID

ROOT = Path(__file__).parent.parent

_SETTINGS = f"""
import os
SECRET_KEY = "only for tests"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
AWS_CLOUDFRONT_KEY = os.environ["CLOUDFRONT_PRIVATE_KEY"]
AWS_CLOUDFRONT_KEY_ID = "{KEY_ID}"
AWS_S3_CUSTOM_DOMAIN = "{DOMAIN}"
AWS_STORAGE_BUCKET_NAME = "media"
INSTALLED_APPS = []
STATIC_URL = "/static/"
MEDIA_ROOT = os.path.join(os.path.dirname(__file__), "media")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Hold a folder with a settings module, which further lines may change."""

    folder: Path
    key: PrivateKey

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def settings(self, *lines: str) -> None:
        """Write the settings: those of a site that signs, and these lines."""
        self.write("project_settings.py", "\n".join((_SETTINGS, *lines, "")))

    def run(self, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python code in the project after django.setup()."""
        return self._start("-c", f"import django; django.setup()\n{code}", *arguments)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command in the project."""
        return self._start("-m", "django", *arguments)

    def _start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment = kept | {
            "DJANGO_SETTINGS_MODULE": "project_settings",
            "PYTHONPATH": os.pathsep.join((str(self.folder), str(ROOT))),
            "PYTHONWARNINGS": "error",
            "CLOUDFRONT_PRIVATE_KEY": self.key.to_pem().decode(),
        }
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            text=True,
            check=False,
            capture_output=True,
        )
