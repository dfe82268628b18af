"""All routes of this folder."""

from typing import Any

from web.people import changes, companies, contacts, erasure, fields, imports, merging

PEOPLE: list[Any] = [
    contacts.Contacts,
    changes.Identities,
    changes.Notes,
    changes.Blocking,
    erasure.Erasure,
    merging.Merges,
    merging.Differences,
    fields.ContactFields,
    fields.CompanyFields,
    companies.Companies,
    companies.Domains,
    imports.Imports,
    imports.export,
]
