"""The modules that the Synchrony Protocol names."""
