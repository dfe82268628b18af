"""What customers said of the service: the page where they say it, and the pages where colleagues read it."""
