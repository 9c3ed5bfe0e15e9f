"""A filter that colors code, for reading."""

from __future__ import annotations

import re

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# In HTML: a quotation mark may be an entity, whose own # begins no comment. A tag of a template
# within quotation marks may have others.
_PIECES = re.compile(
    r"(?P<text>(\"|'|&quot;|&#x27;)((?!{%).)*?\2)|(?P<comment>(?<!&)#.*)"
    r"|(?P<word>\{[%{] ?\w*|[%}]\}|\b(?:as|def|else|for|from|if|import|in|not|raise|return|with)\b)"
)


@register.filter
def colored(code: str) -> SafeString:
    """Mark the strings, the comments and the keywords of code, which may be in HTML."""

    def mark(found: re.Match[str]) -> str:
        kind = next(name for name, text in found.groupdict().items() if text)
        return f'<span class="code-{kind}">{found[0]}</span>'

    return mark_safe(_PIECES.sub(mark, conditional_escape(code)))  # noqa: S308 - escaped
