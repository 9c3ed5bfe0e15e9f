"""A local CloudFront edge: a WSGI application over cfsigned_django.signing.

For development and tests only. It uses neither Django nor AWS's libraries.
"""

from __future__ import annotations

from cfsigned_django.tools.edge.behavior import Behavior as Behavior
from cfsigned_django.tools.edge.local_distribution import Distribution as Distribution
from cfsigned_django.tools.edge.server import EdgeServer as EdgeServer
