"""One self-contained file per architecture; a leading underscore marks shared parts."""
