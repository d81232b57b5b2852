"""AWS on one local port, for development, the demo and tests; never for production.

moto answers for AWS's services behind an authentication and an authorization of our own; IAM Roles
Anywhere is ours altogether. Nothing here imports the sidecar's signing: the emulator must be able
to disagree with it.
"""
