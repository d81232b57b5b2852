"""An old batch program that never ends: it lists the buckets again and again until told to stop."""

import select
import sys

import boto3

calls, keys = 0, []
while not select.select([sys.stdin], [], [], 0.2)[0]:
    session = boto3.Session()
    credentials = session.get_credentials()
    session.client("s3").list_buckets()
    calls += 1
    key = credentials.access_key[-4:] if credentials else "none"
    if key not in keys:
        keys.append(key)
        print(f"call {calls} with key {key}", flush=True)
print(f"{calls} calls, none failed")
