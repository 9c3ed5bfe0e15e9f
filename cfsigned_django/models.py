"""The models of the app, where Django looks for them."""

from __future__ import annotations

from cfsigned_django.rotation.models import KeyPair as KeyPair
