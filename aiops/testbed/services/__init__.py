"""The eight services, one file each; a module's ``ROUTES`` (or ``METHODS``) are what it serves."""
