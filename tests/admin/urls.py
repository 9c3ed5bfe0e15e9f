"""The addresses of a site that has its own admin beside Django's."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from cfsigned_django.admin import KeyPairAdmin
from cfsigned_django.rotation.models import KeyPair

own = admin.AdminSite(name="own")
own.register(KeyPair, KeyPairAdmin)

urlpatterns = [path("admin/", admin.site.urls), path("own/", own.urls)]
