"""Filters that read a signed link."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template

from demo_project.gallery.anatomy import expiry

register = template.Library()


@register.filter
def expires_at(url: str) -> datetime:
    """Return when a signed link stops working, in UTC."""
    return datetime.fromtimestamp(expiry(url), UTC)
