"""The REST API: everything the console does, for programs; one module a resource, one gate, one way to fail."""
