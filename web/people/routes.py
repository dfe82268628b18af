"""All routes of this folder."""

from typing import Any

from web.people import changes, companies, contacts, doubles, erasure, fields, imports, merging

PEOPLE: list[Any] = [
    contacts.Contacts,
    changes.Identities,
    changes.Notes,
    changes.Surveys,
    changes.Blocking,
    erasure.Erasure,
    doubles.duplicates,
    merging.Merges,
    merging.Differences,
    fields.ContactFields,
    fields.CompanyFields,
    companies.Companies,
    companies.Domains,
    imports.Imports,
    imports.export,
]
