"""What runs beside the web: dispatch, delivery, listeners, indexing, and their supervisor."""
