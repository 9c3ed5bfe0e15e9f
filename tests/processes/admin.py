"""Use the admin of the site as a person with a browser does."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from http.cookiejar import CookieJar

from tests.processes.evidence import Evidence

LIST = "/admin/cfsigned_django/keypair/"


class Person:
    """Somebody who is logged in; every answer is evidence."""

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
