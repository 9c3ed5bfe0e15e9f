"""Start as a site does, make one URL, and say how long each took: for benchmarks/start.py.

Standard input: JSON with the settings, the module of the backend and a name.
Standard output: JSON with the URL and two times in microseconds, in which
this process was busy.
"""

from __future__ import annotations

import json
import sys
import time
import warnings


def main() -> None:
    """Import what a site imports, then ask for the first URL."""
    given = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    start = time.process_time_ns()
    import django
    from django.conf import settings

    settings.configure(**given["settings"])
    django.setup()
    from importlib import import_module

    import_module(given["module"])
    from django.core.files.storage import storages

    imported = time.process_time_ns()
    url = storages["default"].url(given["name"])
    done = time.process_time_ns()
    answer = {"url": url, "import": (imported - start) / 1000, "first": (done - imported) / 1000}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
