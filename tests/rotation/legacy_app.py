"""An application that knows nothing of rotation: it works in a loop until its stdin is closed.

Each round is a new session, as of a script that a timer starts. It prints a line a round; a call
that fails ends it.
"""

import select
import sys

import boto3


def main() -> None:
    """List buckets and read a secret, again and again."""
    while True:
        session = boto3.Session()
        session.client("s3").list_buckets()
        session.client("secretsmanager").get_secret_value(SecretId=sys.argv[1])
        print("worked", flush=True)
        if select.select([sys.stdin], [], [], 0)[0]:
            return


main()
