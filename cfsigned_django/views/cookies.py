"""Views that set signed cookies: a mixin for a page, and the endpoint that renews them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views import View
from django.views.decorators.http import require_POST

from cfsigned_django.cookies import set_signed_cookies
from cfsigned_django.cookies.renewal import renew_cookies
from cfsigned_django.cookies.response import open_if_let_in, refuse_form_as_gate
from cfsigned_django.cookies.scopes import list_folders


class SignedCookiesMixin(View):
    """Set signed cookies in each response of a view that succeeds. Put it before the view class.

    ``cookie_options`` are further arguments of
    :func:`cfsigned_django.cookies.set_signed_cookies`, such as ``expire``. Only
    a response to GET, HEAD or POST with a status of 2xx gets cookies: a redirect
    to the log-in page gets none, nor does the answer to OPTIONS, which is
    Django's own. A form answers 200 even when it refuses, so a class with
    ``form_valid`` is refused, unless it says ``form_is_no_gate = True``:
    something before the form decides who sees the page. Its answer to POST gets
    no cookies: a form that is not valid has changed ``self.object``.
    """

    cookie_options: Mapping[str, Any] = {}
    form_is_no_gate = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_form_as_gate(cls)

    def get_signed_folders(self) -> Iterable[str]:
        """Return the folders, or the one, that this viewer may open with the files of this page."""
        raise NotImplementedError(f"{type(self).__name__} must define get_signed_folders().")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the response of the view, with the cookies if it succeeds."""
        answer = super().dispatch(request, *args, **kwargs)
        if request.method == "POST" and hasattr(self, "form_valid"):
            return answer
        return open_if_let_in(request, answer, self._set_cookies)

    def _set_cookies(self, response: HttpResponseBase) -> None:
        for folder in list_folders(self.get_signed_folders()):
            set_signed_cookies(response, folder=folder, request=self.request, **self.cookie_options)


@require_POST
def refresh_cookies(request: HttpRequest) -> HttpResponseBase:
    """Ask the scopes again which folders this viewer may open, and set their cookies.

    ``{% signed_cookies_script %}`` calls this when a file is refused, and so may
    a player or an app. The answer is JSON: ``expires_at`` says until when the
    cookies are valid (ISO 8601, UTC), null if the viewer may open nothing. If a
    folder gets no cookies, ``error`` says why, and the status is 409, or 500 if
    the site can do nothing for any viewer; all other folders get theirs.
    CSRF protection is Django's.
    """
    response = JsonResponse({})
    end, problems = renew_cookies(request, response)
    answer = {"expires_at": None if end is None else datetime.fromtimestamp(end, UTC).isoformat()}
    if problems:
        answer["error"] = " ".join(dict.fromkeys(each.text for each in problems))
        is_of_viewer = all(each.is_of_viewer for each in problems)
        response.status_code = 409 if is_of_viewer else 500
    response.content = json.dumps(answer)
    return response
