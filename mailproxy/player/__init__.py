"""A captured server, played again: answers out of a recording, and no connection to anywhere."""
