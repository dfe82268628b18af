.PHONY: help demo serve test lint messages clean

help:
	@echo "make demo    a desk of an invented company, to look around in; nothing needed but Python"
	@echo "make serve   your own desk"
	@echo "make test    all checks, as CI runs them"
	@echo "make lint    only those that do not run the desk"
	@echo "make messages  collect what people read, for translators, in helpdesk/locales/helpdesk.pot"
	@echo "make clean   forget what was installed and built; the desk's data stays"

demo:
	@bin/setup
	@exec .venv/bin/helpdesk demo

serve:
	@bin/setup
	@exec .venv/bin/helpdesk serve

test:
	@bin/test

lint:
	@bin/setup --dev
	@bin/lint

messages:
	@bin/setup
	@mkdir -p helpdesk/locales
	.venv/bin/pybabel extract -F babel.cfg -k gettext -k ngettext:1,2 --project=helpdesk --sort-by-file \
		-o helpdesk/locales/helpdesk.pot helpdesk channels kb ai workers web

clean:
	rm -rf .venv build dist node_modules web/static/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
