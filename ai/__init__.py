"""Proposals by models; a person or a rule decides."""
