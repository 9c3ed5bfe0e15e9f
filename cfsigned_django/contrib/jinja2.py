"""Sign URLs in Jinja2 templates, of Django's own backend and of django-jinja.

The extra ``[jinja2]`` of this package installs Jinja2. Name the extension in TEMPLATES::

    "OPTIONS": {"extensions": ["cfsigned_django.contrib.jinja2.CfsignedExtension"]}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from jinja2 import Environment, nodes
    from jinja2.ext import Extension
    from jinja2.parser import Parser
except ImportError as error:
    raise ImportError(
        "cfsigned_django.contrib.jinja2 needs Jinja2. Install this package with its extra "
        "[jinja2], or: pip install jinja2"
    ) from error

from cfsigned_django import shortcuts


class CfsignedExtension(Extension):
    """Add ``signed_url()``, ``unsigned_url()``, ``|signed_html()`` and ``{% signed_urls %}``.

    ::

        <img src="{{ signed_url(photo.image, expire=300) }}">
        {% signed_urls "thumbs/*", folder=album.folder %}
          {% for photo in photos %}<img src="{{ photo.image.url }}">{% endfor %}
        {% endsigned_urls %}
        {{ article.body|safe|signed_html("articles") }}

    They take the arguments of the functions in :mod:`cfsigned_django.shortcuts`,
    and raise their errors. The block needs an environment without
    ``enable_async``, as Django's backends make it.
    """

    tags = {"signed_urls"}

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals["signed_url"] = shortcuts.signed_url
        environment.globals["unsigned_url"] = shortcuts.unsigned_url
        environment.filters["signed_html"] = shortcuts.signed_html

    def parse(self, parser: Parser) -> nodes.Node:
        """Return a call of :meth:`_render` with the arguments of the tag and what stands within."""
        line = next(parser.stream).lineno
        if self.environment.is_async:
            # The block would end before what stands within it is rendered.
            parser.fail(
                "{% signed_urls %} does not work with enable_async. Open the block in the view, "
                "around the call that renders the template: with signed_urls(...).",
                line,
            )
        args: list[nodes.Expr] = []
        kwargs: list[nodes.Keyword] = []
        while parser.stream.current.type != "block_end":
            if args or kwargs:
                parser.stream.expect("comma")
            current, following = parser.stream.current.type, parser.stream.look().type
            if current == following == "string":
                # Jinja2 joins them, and the tag of Django's templates has no commas.
                parser.fail("Write a comma between the arguments of signed_urls.", line)
            if following == "assign":
                name = parser.stream.expect("name").value
                next(parser.stream)
                kwargs.append(nodes.Keyword(name, parser.parse_expression()))
            else:
                args.append(parser.parse_expression())
        body = parser.parse_statements(("name:endsigned_urls",), drop_needle=True)
        call = self.call_method("_render", args, kwargs)
        return nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _render(self, *args: Any, caller: Callable[[], str], **kwargs: Any) -> str:
        """Render what stands within the block, and the templates that it includes."""
        with shortcuts.signed_urls(*args, **kwargs):
            return caller()
