.PHONY: help demo serve test lint clean

help:
	@echo "make demo    a desk of an invented company, to look around in; nothing needed but Python"
	@echo "make serve   your own desk"
	@echo "make test    all checks, as CI runs them"
	@echo "make lint    only those that do not run the desk"
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

clean:
	rm -rf .venv build dist node_modules web/static/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
