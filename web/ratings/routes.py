"""Every page about ratings but that of the settings."""

from typing import Any

from web.ratings import page, public

RATINGS: list[Any] = [public.Rate, page.ratings]
