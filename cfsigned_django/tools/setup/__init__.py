"""Set up CloudFront and S3 for this site, from its settings."""
