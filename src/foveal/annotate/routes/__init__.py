"""Routes of the interface, a topic a file."""
