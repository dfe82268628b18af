"""Contacts as CSV files, in and out, a hundred thousand at a time.

A file is read as a stream (`reading`), its columns are given meanings (`columns`), and its rows are copied into a
temporary table from which the database itself finds what is new, changed or wrong (`staging`), does it and remembers
what it did (`imports`), so that it can be taken back (`reverting`). What `exporting` writes is read back as nothing
new.
"""
