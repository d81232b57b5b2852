"""Small unmodified programs: they know AWS's SDK and nothing of the sidecar."""
