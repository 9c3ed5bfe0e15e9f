"""Who gets the cookies of a view, for each method of HTTP: those whom the view's own code lets in.

Modules: cookies/response.py, views/cookies.py
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.test import Client, RequestFactory
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.generic import CreateView, DeleteView, DetailView, FormView, UpdateView
from django.views.generic.edit import FormMixin
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from cfsigned_django.cookies import signed_cookies
from cfsigned_django.testing import assert_cookies_open
from cfsigned_django.views import SignedCookiesMixin
from tests.storage_cases import S3_BACKEND

#: PROPFIND stands for what no part of Django knows.
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]

opens_course = signed_cookies(folder=lambda request, pk: f"courses/{pk}")


class Course(DetailView):  # type: ignore[type-arg]
    """A course, for its members: the check is in the query."""

    def get_queryset(self) -> QuerySet[Group]:
        """Return the courses of the viewer."""
        courses: QuerySet[Group] = self.request.user.groups.all()
        return courses

    def render_to_response(self, context: Any, **response_kwargs: Any) -> HttpResponse:
        """Show the course."""
        return HttpResponse("course")


class CourseOfArguments(SignedCookiesMixin):
    """Name the folder by what the path captured."""

    def get_signed_folders(self) -> list[str]:
        """Return the folder of the course."""
        return [f"courses/{self.kwargs['pk']}"]


class CourseOfObject(SignedCookiesMixin, Course):
    """Name the folder by the object that get() finds, as the documentation does."""

    def get_signed_folders(self) -> list[str]:
        """Return the folder of the course."""
        return [f"courses/{self.object.pk}"]


class AsyncCourse(View):
    """A course, for its members, from a coroutine."""

    async def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the course."""
        user = await request.auser()
        if not await user.groups.filter(pk=pk).aexists():
            raise Http404
        return HttpResponse("course")


def course(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a course to its members."""
    get_object_or_404(request.user.groups, pk=pk)
    return HttpResponse("course")


class ApiCourse(CourseOfArguments, APIView):
    """A course of an API, whose permission classes let anyone ask."""

    permission_classes = [AllowAny]

    def get(self, request: Any, pk: int) -> Response:
        """Return the course, to its members."""
        return Response(get_object_or_404(request.user.groups, pk=pk).name)


def mixed(*bases: type) -> Any:
    """Return the view of a class with these bases."""
    cls: Any = type("Mixed", bases, {})
    return cls.as_view()


VIEWS = {
    "mixin, folder of the object": CourseOfObject.as_view(),
    "mixin, LoginRequiredMixin": mixed(CourseOfArguments, LoginRequiredMixin, Course),
    "mixin, async": mixed(CourseOfArguments, AsyncCourse),
    "mixin, APIView": ApiCourse.as_view(),
    "decorator on as_view()": opens_course(Course.as_view()),
    "decorator on as_view(), async": opens_course(AsyncCourse.as_view()),
    "decorator on a function": opens_course(course),
}
urlpatterns = [path(f"{index}/<int:pk>", view) for index, view in enumerate(VIEWS.values())]


@pytest.mark.django_db
def test_who_gets_cookies(own_urls: None, site: Any) -> None:
    """Open the folder to those whom the view's own code lets in, and by no other method."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.AWS_CLOUDFRONT_COOKIE_DOMAIN = "example.com"
    site.ALLOWED_HOSTS = ["*"]
    course_of_alice = Group.objects.create(name="course")
    course_of_alice.user_set.add(User.objects.create(username="alice"))
    User.objects.create(username="mallory")
    pk = course_of_alice.pk
    opened, failed = set(), set()
    for index, name in enumerate(VIEWS):
        for viewer in ("alice", "mallory", "nobody"):
            client = Client(raise_request_exception=False)
            if viewer != "nobody":
                client.force_login(User.objects.get(username=viewer))
            for method in METHODS:
                answer: Any = client.generic(
                    method, f"/{index}/{pk}", secure=True, HTTP_HOST="app.example.com"
                )
                case = (name, viewer, method)
                if answer.status_code >= 500:
                    failed.add(case)
                if any(each.startswith("CloudFront-") for each in answer.cookies):
                    opened.add(case)
                    assert_cookies_open(answer, f"courses/{pk}/1.ts")
    asks = {"decorator on a function": ["GET", "HEAD", "POST"]}
    assert failed == set()
    assert opened == {
        (name, "alice", method) for name in VIEWS for method in asks.get(name, ["GET", "HEAD"])
    }


#: Classes of views that have a form: one of a password, comments below a course, its settings.
FORMS: dict[str, tuple[type, ...]] = {
    "FormView": (FormView,),
    "FormMixin": (FormMixin, Course),
    "LoginRequiredMixin": (LoginRequiredMixin, UpdateView),
    "CreateView": (CreateView,),
    "DeleteView": (DeleteView,),
}


def with_form(*bases: type, **attributes: Any) -> Any:
    """Return the class of a view of a password, or of what else its bases have."""
    return type("Unlock", bases, {"form_class": AuthenticationForm, **attributes})


@pytest.mark.parametrize("bases", FORMS.values(), ids=FORMS)
def test_form_that_may_be_the_gate(bases: tuple[type, ...]) -> None:
    """Refuse a class with a form when it is made or decorated, until it says who decides."""
    with pytest.raises(TypeError, match=r"(?s)Unlock.*form_is_no_gate.*form_valid"):
        with_form(CourseOfArguments, *bases)
    plain = with_form(*bases).as_view()
    for view in (plain, never_cache(plain), partial(plain)):
        with pytest.raises(TypeError, match="form_is_no_gate"):
            opens_course(view)
    with_form(CourseOfArguments, *bases, form_is_no_gate=True)
    opens_course(with_form(*bases, form_is_no_gate=True).as_view())


def test_form_that_is_no_gate(site: Any) -> None:
    """Open the folder to GET; a form that is not valid may have changed what names the folder."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.AWS_CLOUDFRONT_COOKIE_DOMAIN = "example.com"
    site.ALLOWED_HOSTS = ["*"]
    view = with_form(CourseOfArguments, FormView, form_is_no_gate=True, template_name="none.html")

    def answer(method: str) -> Any:
        request = RequestFactory().generic(method, "/", secure=True, HTTP_HOST="app.example.com")
        return view.as_view()(request, pk=42)

    assert_cookies_open(answer("GET"), "courses/42/1.ts")
    refused = answer("POST")
    assert (refused.status_code, {*refused.cookies}) == (200, set())


@pytest.mark.parametrize("decorators", [opens_course, [opens_course, never_cache]])
@pytest.mark.parametrize("name", ["dispatch", "get"])
def test_form_of_a_decorated_method(name: str, decorators: Any, site: Any) -> None:
    """Refuse the request: only then the decorator of a method knows the class."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.AWS_CLOUDFRONT_COOKIE_DOMAIN = "example.com"
    site.ALLOWED_HOSTS = ["*"]
    page = {"get": lambda self, request, pk: HttpResponse("page")}
    request = RequestFactory().get("/", secure=True, HTTP_HOST="app.example.com")
    decorate = method_decorator(decorators, name=name)
    with pytest.raises(TypeError, match=r"Unlock.*form_is_no_gate"):
        decorate(with_form(FormView, **page)).as_view()(request, pk=42)
    opened = decorate(with_form(FormView, **page, form_is_no_gate=True)).as_view()
    assert_cookies_open(opened(request, pk=42), "courses/42/1.ts")
