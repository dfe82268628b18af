"""The products that can be imported: a module each, found by looking."""

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Protocol

from helpdesk.errors import NotFound
from helpdesk.imports.places import Place, Shelf
from helpdesk.imports.records import Broken, Company, Field, Person, Ticket


class Vendor(Protocol):
    """One product. Every method reads the place from its beginning; what cannot be read is `Broken`."""

    name: str
    hint: str
    """Where its users get the files, in a sentence."""

    def fields(self, place: Place) -> Iterator[Field | Broken]: ...

    def companies(self, place: Place) -> Iterator[Company | Broken]: ...

    def people(self, place: Place) -> Iterator[Person | Broken]: ...

    def tickets(self, place: Place, shelf: Shelf) -> Iterator[Ticket | Broken]: ...


@cache
def all_of_them() -> dict[str, Vendor]:
    modules = [name for _, name, _ in pkgutil.iter_modules(__path__)]
    return {name: import_module(f"{__name__}.{name}").VENDOR for name in sorted(modules)}


def get(name: str) -> Vendor:
    try:
        return all_of_them()[name]
    except KeyError:
        raise NotFound(f"The desk imports from {', '.join(all_of_them())}, not from {name}.") from None
