"""What search engines read of a page: schema.org in JSON-LD. It is data, not script, so the policy lets it stand."""

import json
from typing import Any

from markupsafe import Markup

from kb.articles import Article
from web.portal.place import Place
from web.portal.reading import Shown

UNSAFE = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def data(*things: dict[str, Any]) -> Markup:
    """Whatever stands in a title, it can neither end the element nor begin another."""
    graph = {"@context": "https://schema.org", "@graph": [thing for thing in things if thing]}
    text = json.dumps(graph, ensure_ascii=False, separators=(",", ":")).translate(UNSAFE)
    return Markup(f'<script type="application/ld+json">{text}</script>')  # noqa: S704 - escaped above


def home(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@type": "WebSite",
        "name": place.centre.name,
        "url": place.url(),
        "inLanguage": place.language,
        "potentialAction": {
            "@type": "SearchAction",
            "target": f"{place.url('/search')}?q={{search_term_string}}",
            "query-input": "required name=search_term_string",
        },
    }
    if place.centre.website:
        found["publisher"] = {
            "@type": "Organization",
            "name": place.centre.name,
            "url": place.centre.website,
        }
    return found


def article(place: Place, of: Article, shown: Shown) -> dict[str, Any]:
    return {
        "@type": "Article",
        "headline": of.title[:110],
        "description": shown.words,
        "url": place.url(f"/articles/{of.slug}"),
        "inLanguage": of.locale,
        "datePublished": (of.published_at or of.created_at).isoformat(),
        "dateModified": of.updated_at.isoformat(),
        "publisher": {"@type": "Organization", "name": place.centre.name},
    }


def questions(of: Article, shown: Shown) -> dict[str, Any]:
    """Headings that ask, or the whole article where its title does; empty where nothing is asked."""
    asked = shown.questions or ([(of.title, shown.words)] if of.title.rstrip().endswith("?") else [])
    entities = [
        {"@type": "Question", "name": q, "acceptedAnswer": {"@type": "Answer", "text": a}} for q, a in asked
    ]
    return {"@type": "FAQPage", "mainEntity": entities} if entities else {}


def trail(place: Place, steps: list[tuple[str, str]]) -> dict[str, Any]:
    """`steps`: name and path of each page on the way."""
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": at, "name": name, "item": place.url(path)}
            for at, (name, path) in enumerate(steps, start=1)
        ],
    }
