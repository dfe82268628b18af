"""What the desk says while it works: one line a happening, for people or as JSON."""

import logging
import sys

import structlog

from helpdesk.settings import Settings

QUIET = (
    "aiosqlite",
    "asyncio",
    "httpx",
    "httpcore",
    "mail.log",
    "procrastinate",
    "root",
    "sentence_transformers",
)
"""Libraries whose warnings are of use and whose chatter is not."""


def configure(settings: Settings) -> None:
    """Bodies, addresses of customers and secrets are not logged by the desk at any level."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    shown = (
        structlog.processors.JSONRenderer()
        if settings.log_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([structlog.processors.format_exc_info] if settings.log_json else []),
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=max(level, logging.WARNING), format="%(levelname)s %(name)s: %(message)s", force=True
    )
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
