"""IAM Roles Anywhere, written from AWS's documentation: control plane and CreateSession."""
