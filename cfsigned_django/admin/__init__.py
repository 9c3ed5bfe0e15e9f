"""Show and rotate the signing keys in Django's admin, which imports this package."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin

from cfsigned_django.admin.key_pairs import KeyPairAdmin as KeyPairAdmin
from cfsigned_django.rotation.models import KeyPair

# Tools that import every module do so on sites without an admin, too.
if apps.is_installed("django.contrib.admin"):
    admin.site.register(KeyPair, KeyPairAdmin)
