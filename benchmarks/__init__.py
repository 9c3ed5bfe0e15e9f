"""Measure this package side by side with django-storages: ``make bench``."""

from __future__ import annotations
