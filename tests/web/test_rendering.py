"""Templates speak and escape as Jinja's own would, only faster."""

from gettext import NullTranslations

import pytest
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from helpdesk import i18n
from web.rendering import PLAIN, Templates

EVIL = "<script>alert('&')</script>"
CASES = {
    "a value": "{{ evil }}|{{ 3 }}|{{ none }}|{{ safe }}",
    "an attribute": '<a title="{{ evil }}">',
    "a text": '{{ _("Send <b>now</b>") }}',
    "a text with a value": '{{ _("To %(name)s", name=evil) }}',
    "a text with markup": '{{ _("To %(name)s", name=safe) }}',
    "per cent": '{{ _("50 %% of %(n)s", n=4) }}|{{ _("100 %%") }}',
    "numbers": '{{ ngettext("%(num)s mail", "%(num)s mails", n) }}|{{ ngettext("one", "%(n)s", 3, n=evil) }}',
    "a block": "{% trans name=evil %}From {{ name }}, 5 %{% endtrans %}|{% trans %}<i>Plain</i>{% endtrans %}",
    "many": "{% trans count=n %}{{ count }} mail{% pluralize %}{{ count }} mails{% endtrans %}",
    "a macro": "{% macro m(x) %}<b>{{ x }}</b>{{ caller() }}{% endmacro %}{% call m(evil) %}{{ evil }}{% endcall %}",
    "joined": "{% set both = [evil, safe]|join(', ') %}{{ both }}{{ evil ~ safe }}",
    "filters": "{{ evil|upper }}{{ evil|safe }}{{ safe|upper }}{{ evil|e }}",
    "a block set": "{% set kept %}{{ evil }}{% endset %}{{ kept }}",
}


def usual() -> Environment:
    environment = Environment(
        autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"], undefined=StrictUndefined
    )
    environment.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    return environment


@pytest.mark.parametrize("source", CASES.values(), ids=CASES)
def test_what_it_says_is_what_jinja_says(source: str):
    given = {"evil": EVIL, "safe": Markup("<em>ours</em>"), "n": 2}
    ours = Templates(undefined=StrictUndefined).from_string(source).render(given)
    assert ours == usual().from_string(source).render(given)


def test_a_text_without_its_value_is_an_error_not_a_gap():
    with pytest.raises(KeyError):
        Templates().from_string('{{ _("To %(name)s") }}').render()


def test_each_agent_is_spoken_to_in_their_own_language(monkeypatch: pytest.MonkeyPatch):
    class Pirate(NullTranslations):
        def gettext(self, message: str) -> str:
            return {"Hello": "Ahoy"}.get(message, message)

    template = Templates().from_string('{{ _("Hello") }}')
    assert template.render() == "Hello"
    spoken = i18n._current.set(Pirate())
    try:
        assert template.render() == "Ahoy"
    finally:
        i18n._current.reset(spoken)
    assert template.render() == "Hello"


def test_no_template_gives_their_names_to_anything_else():
    """Functions that are called directly are not the context's: a macro of that name would be."""
    from web.pages import TEMPLATES

    loader = DictLoader({str(path): path.read_text() for path in TEMPLATES.rglob("*.html")})
    environment = Templates()
    for name in loader.list_templates():
        tree = environment.parse(loader.get_source(environment, name)[0])
        from jinja2 import nodes

        assigned = {n.name for n in tree.find_all(nodes.Name) if n.ctx in {"store", "param"}}
        macros = {n.name for n in tree.find_all(nodes.Macro)}
        assert not (assigned | macros) & PLAIN, name
