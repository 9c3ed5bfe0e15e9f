"""One CloudFormation stack has the infrastructure of a site: template, changes, events, losses."""

from __future__ import annotations
