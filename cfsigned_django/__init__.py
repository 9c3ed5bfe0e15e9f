"""Serve private media from Django through CloudFront signed URLs."""
