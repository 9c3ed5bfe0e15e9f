"""Find out why a private file is refused, or is not private: settings, AWS, live answers, one URL."""

from __future__ import annotations
