"""A whole mail world in memory: servers, programs and the story they play around the proxy."""
