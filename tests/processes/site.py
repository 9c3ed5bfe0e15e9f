"""Make the scratch site, serve it with gunicorn, and use its admin."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import Path

from cfsigned_django.signing import PrivateKey
from tests.background import fetch, free_port, plain_environment, running
from tests.processes.cloudfront import Api
from tests.processes.commands import Command
from tests.processes.databases import Database
from tests.processes.evidence import Evidence
from tests.projects import ROOT

#: The page of the signing keys.
LIST = "/admin/cfsigned_django/keypair/"
#: The longest lifetime of a link, in seconds.
MAX_EXPIRE = 4
#: What cfsigned_rotate says with its exit code.
DONE, FAILED, NOT_YET = 0, 1, 75

_SETTINGS = """
import json, os
from pathlib import Path

from tests.settings import *

FOLDER = Path(__file__).parent
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.processes.site_views"

AWS_CLOUDFRONT_KEY = FOLDER / "settings_key.pem"
AWS_STORAGE_BUCKET_NAME = "media"
AWS_S3_URL_PROTOCOL = "http:"
AWS_CLOUDFRONT_PROPAGATION_SECONDS = 4
INSTALLED_APPS = [*INSTALLED_APPS[:-1], "tests.processes.site_app.ShortWaits"]
globals().update(json.loads((FOLDER / "settings.json").read_text()))
STORAGES = {
    "default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Everything that any library writes, in one file for the server and one for the commands.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "file": {
            "class": "logging.FileHandler",
            "filename": FOLDER / "logs" / f"{os.getpid()}.log",
            "delay": True,
        }
    },
    "root": {"handlers": ["file"], "level": "DEBUG"},
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A folder with a Django project, and everything that its processes need."""

    folder: Path
    database: Database
    api: Api
    evidence: Evidence

    def write(self, private_key: PrivateKey, key_pair_id: str, domain: str) -> None:
        """Write the project, whose settings hold a key."""
        (self.folder / "logs").mkdir()
        (self.folder / "settings_key.pem").write_bytes(private_key.to_pem())
        values = {
            "DATABASES": {"default": self.database.settings},
            "AWS_CLOUDFRONT_KEY_ID": key_pair_id,
            "AWS_CLOUDFRONT_KEY_GROUP_ID": self.api.key_group_id,
            "AWS_CLOUDFRONT_MAX_EXPIRE": MAX_EXPIRE,
            "AWS_QUERYSTRING_EXPIRE": MAX_EXPIRE,
            "AWS_S3_CUSTOM_DOMAIN": domain,
        }
        (self.folder / "settings.json").write_text(json.dumps(values))
        (self.folder / "site_settings.py").write_text(_SETTINGS)

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables of the site's processes."""
        return plain_environment() | {
            "DJANGO_SETTINGS_MODULE": "site_settings",
            "PYTHONPATH": f"{self.folder}:{ROOT}",
            "PYTHONUNBUFFERED": "1",
            "AWS_ENDPOINT_URL": self.api.url,
            "AWS_ACCESS_KEY_ID": self.api.account,
            "AWS_SECRET_ACCESS_KEY": "not checked",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def finish(self, command: Command) -> tuple[int, str]:
        """Wait for a command; return its exit code, and what it printed."""
        code = command.wait()
        self.evidence.add(f"output of {command.arguments}", command.printed)
        return code, command.printed

    def read(self, command: Command) -> str:
        """Wait for a command that must succeed; return what it printed, not as evidence."""
        assert command.wait() == 0, command.printed
        return command.printed

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve the site with gunicorn for the duration of the block; return its address."""
        port = free_port()
        command = [
            *(sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()"),
            *("--bind", f"127.0.0.1:{port}", "--workers", "2", "--preload", "--no-control-socket"),
            *("--access-logfile", "-", "--log-level", "debug", "--timeout", "60"),
        ]
        address = f"http://127.0.0.1:{port}"
        with running(
            command,
            is_ready=lambda: _answers(f"{address}/admin/login/"),
            log=self.folder / "logs" / "gunicorn.log",
            folder=self.folder,
            environment=self.environment,
        ):
            yield address


def _answers(url: str) -> bool:
    try:
        return fetch(url)[0] == 200
    except OSError:
        return False


class Person:
    """A logged-in person; every answer is evidence."""

    def __init__(self, address: str, evidence: Evidence, password: str) -> None:
        self._address = address
        self._evidence = evidence
        self._cookies = CookieJar()
        self._open = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._cookies)
        ).open
        self.get("/admin/login/")
        status, body = self.post("/admin/login/?next=/admin/", username="person", password=password)
        assert status == 200, status
        assert "Log out" in body

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        return self._ask(urllib.request.Request(self._address + path), path)

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        """Send a form; return status and text of the page that it leads to."""
        token = next(each.value for each in self._cookies if each.name == "csrftoken")
        form = fields | {"csrfmiddlewaretoken": token or ""}
        data = urllib.parse.urlencode(form).encode()
        return self._ask(urllib.request.Request(self._address + path, data), path)

    def _ask(self, request: urllib.request.Request, path: str) -> tuple[int, str]:
        try:
            with self._open(request, timeout=60) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, body = error.code, error.read()
        except (OSError, HTTPException) as error:
            status, body = 0, repr(error).encode()
        self._evidence.add(f"page {path}", body)
        return status, body.decode()
