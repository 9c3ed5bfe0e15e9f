"""Call AWS, for the Django part; with some of the tools, the only place of boto3. No Django.

``client`` makes and calls boto3 clients, and ``errors`` explains what they raise. ``key_groups`` is
for a rotation, ``s3_object`` for what a browser sends to S3.
"""
