"""The pictures of the demo, drawn by the demo itself: no file of anybody else is needed."""

from __future__ import annotations

from demo_project.pictures.collection import COLLECTION as COLLECTION, Drawing as Drawing
