"""List the buckets of an account: no key, no profile, no endpoint in it."""

import boto3

for bucket in boto3.client("s3").list_buckets()["Buckets"]:
    print(bucket["Name"])
