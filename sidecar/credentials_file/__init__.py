"""The shared credentials file of AWS's SDKs: one profile changed, every other byte kept."""
