"""The addresses of the demo project."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.translation import gettext_lazy
from django.views.generic import RedirectView

admin.site.site_header = gettext_lazy("cfsigned demo")

urlpatterns = [
    # The pages of the gallery name their icon; those of the admin do not.
    path("favicon.ico", RedirectView.as_view(url=static("gallery/mark.svg"))),
    path("admin/", admin.site.urls),
    path("media/", include("cfsigned_django.urls")),
    path("", include("demo_project.gallery.urls")),
]
