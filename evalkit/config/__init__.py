"""One YAML file, checked against a published JSON schema; flags and `EVALKIT_…` variables override it."""
