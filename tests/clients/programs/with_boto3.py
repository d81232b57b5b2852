"""Print who AWS takes the caller for, then the buckets: no key, no profile, no endpoint in it."""
# ruff: noqa: T201 - what it prints is its result

import boto3

print(boto3.client("sts").get_caller_identity()["Arn"])
print(*(each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]))
