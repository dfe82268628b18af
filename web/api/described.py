"""What stands below a field in the code stands at the field in the document."""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
import structlog

from web.api.given import Sent
from web.api.shapes import Shape

log = structlog.get_logger(__name__)


def describe(components: dict[str, Any]) -> None:
    """Adds the words of each field to the schemas, which msgspec makes of types alone."""
    for struct in _every(Shape, Sent):
        properties = components.get(struct.__name__, {}).get("properties", {})
        for name, words in _fields(struct).items():
            if name in properties:
                properties[name] = {**properties[name], "description": words}
    _read.cache_clear()


def _every(*roots: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for root in roots:
        yield root
        yield from _every(*root.__subclasses__())


def _fields(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Field → the text that follows it, those of its bases included."""
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        found |= _read(base.__module__).get(base.__qualname__, {})
    return found


@cache
def _read(module: str) -> dict[str, dict[str, str]]:
    """Class → field → words. Each source is read once: `inspect.getsource` of a class parses the file every time."""
    if not module.startswith(__name__.partition(".")[0]):
        return {}
    try:
        body = ast.parse(inspect.getsource(sys.modules[module])).body
    except OSError:  # an installation that brings compiled files alone
        log.info("the API's document has no words at its fields", module=module)
        return {}
    return {each.name: _words(each) for each in body if isinstance(each, ast.ClassDef)}


def _words(struct: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, after in pairwise(struct.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            value = after.value if isinstance(after, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[field.target.id] = inspect.cleandoc(value.value)
    return found
