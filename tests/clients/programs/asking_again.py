"""For each line on stdin, print who AWS takes the caller for: one process, one boto3 session."""
# ruff: noqa: T201 - what it prints is its result

import logging
import sys

import boto3

# botocore warns when it could not get new credentials and goes on with the old ones.
logging.basicConfig(level=logging.WARNING)
client = boto3.client("sts")
for _ in sys.stdin:
    print(client.get_caller_identity()["Arn"], flush=True)
