"""The agents' console: thin controllers, one small resource for each thing that can be done to a ticket."""
