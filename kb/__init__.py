"""What the desk knows: articles, their passages, and the search over them."""
