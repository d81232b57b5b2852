"""IAM access keys that are replaced on a schedule; imports nothing that a Lambda lacks."""
