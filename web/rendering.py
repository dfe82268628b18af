"""Jinja, with the general ways that cost most on our pages replaced by the plain ones that they need.

A page says some 250 translated texts and 900 values. Jinja's own gettext formats each text, though few have
variables; its calls ask of each function whether it wants the context; its output makes a Markup of each value,
though all are joined to one string anyway.
"""

from collections.abc import Iterable
from functools import lru_cache
from gettext import NullTranslations
from typing import Any, cast

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator
from jinja2.runtime import Macro
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]

from helpdesk import i18n

PLAIN = frozenset({"_", "gettext", "ngettext", "icon", "asset", "kept"})
"""Functions that want no context; templates call them directly and never give these names to anything else."""


class Directly(CodeGenerator):
    def visit_Call(  # noqa: N802 - the name that Jinja looks for
        self, node: nodes.Call, frame: Any, forward_caller: bool = False
    ) -> None:
        called = node.node
        plain = (
            isinstance(called, nodes.Name) and called.name in PLAIN and not (node.dyn_args or node.dyn_kwargs)
        )
        if not plain or forward_caller:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(called, frame)
        self.write("(")
        for argument in (*node.args, *node.kwargs):
            self.visit(argument, frame)
            self.write(", ")
        self.write(")")

    def _output_child_pre(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.shown(")


class Templates(Environment):
    """Always escapes; `_` and its like come with it."""

    code_generator_class = Directly
    newstyle_gettext = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"])
        self.newstyle_gettext = True
        self.globals.update(_=gettext, gettext=gettext, ngettext=ngettext, kept=kept)

    @staticmethod
    def shown(value: Any) -> str:
        """What stands in the page for a value; it goes nowhere else."""
        kind = type(value)
        if kind is str:
            return _escape_inner(value)
        if kind is Markup:
            return cast("str", value)
        return str(value) if kind is int else str(escape(value))


def gettext(message: str, /, **variables: Any) -> Markup:
    """Texts are ours and may hold tags; variables are escaped. A per cent sign is `%%`, as in every text."""
    text = _said(i18n.translations(), message)
    return text % variables if "%" in message else text


def ngettext(singular: str, plural: str, num: int, /, **variables: Any) -> Markup:
    variables.setdefault("num", num)
    text = i18n.ngettext(singular, plural, num)
    return Markup(text) % variables  # noqa: S704 - ours, not a person's


def kept(macro: Macro, *given: Any) -> Markup:
    """What a macro says of these values, known by heart for the next page: lists of everything that can be chosen.

    The macro is imported without context and depends on nothing but what it is given and the language. A list is given
    as a tuple of what never changes.
    """
    values = tuple(tuple(v) if isinstance(v, Iterable) and not isinstance(v, str) else v for v in given)
    return _known_by_heart(i18n.translations(), macro, values)


@lru_cache(maxsize=512)
def _known_by_heart(catalogue: NullTranslations, macro: Macro, values: tuple[Any, ...]) -> Markup:
    return Markup(macro(*values))  # noqa: S704 - a macro's own, escaped as everything in templates


@lru_cache(maxsize=8192)
def _said(catalogue: NullTranslations, message: str) -> Markup:
    return Markup(catalogue.gettext(message))  # noqa: S704 - ours, not a person's
