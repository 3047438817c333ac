"""Annotate: the web application in which people read, and the interface behind it."""
