"""The tests of the model of CloudFront and S3."""
