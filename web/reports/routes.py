"""Every route of reports."""

from web.reports import kept, pages

REPORTS = [pages.Reports, kept.KeptReports]
