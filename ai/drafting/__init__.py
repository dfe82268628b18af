"""Replies to propose and words to improve: found in articles, or written by a model and proved against them."""
