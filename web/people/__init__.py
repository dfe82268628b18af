"""Contacts and companies in the console."""
