"""The help centre that customers see: `/help`."""
