"""What this machine's network is like: its interfaces, and addresses that are added to `lo`."""
