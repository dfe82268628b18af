"""Addresses out of words."""

import re
import unicodedata


def slugify(title: str) -> str:
    """`Wie lösche ich …?` → `wie-losche-ich`; titles without a Latin letter keep their own script."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.findall(r"\w+", (plain if re.search(r"[A-Za-z]", plain) else title).lower())
    slug = "-".join(words)[:80].strip("-")
    return f"article-{slug}".strip("-") if not slug or slug.isdigit() else slug
