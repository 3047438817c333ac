"""One idea a file; every module of this folder is imported when the registry is first asked."""
