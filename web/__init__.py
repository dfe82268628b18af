"""The console, the live stream and the hooks: Litestar, templates, static files."""
