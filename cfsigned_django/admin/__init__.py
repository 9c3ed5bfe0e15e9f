"""Show and rotate the signing keys in Django's admin, which imports this where it is installed."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin

from cfsigned_django.admin.key_pairs import KeyPairAdmin as KeyPairAdmin
from cfsigned_django.rotation.models import KeyPair

# Whatever walks through the package may import this on a site without an admin, too.
if apps.is_installed("django.contrib.admin"):
    admin.site.register(KeyPair, KeyPairAdmin)
