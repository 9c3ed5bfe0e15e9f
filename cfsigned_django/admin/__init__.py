"""Show and rotate the signing keys in Django's admin."""

from __future__ import annotations

from cfsigned_django.admin.key_pair_admin import KeyPairAdmin as KeyPairAdmin
