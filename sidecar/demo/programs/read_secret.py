"""Read one secret the way programs read AWS's own agent: one GET with a token header."""

import json
import os
import urllib.request

headers = {"X-Aws-Parameters-Secrets-Token": os.environ["AWS_TOKEN"]}
request = urllib.request.Request(os.environ["SECRET_URL"], headers=headers)
with urllib.request.urlopen(request) as response:
    secret = json.load(response)
print(secret["Name"], secret["VersionStages"][0], secret["SecretString"])
