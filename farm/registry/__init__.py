"""The registry as the coordinator sees it: references, manifests, credentials, checks."""
