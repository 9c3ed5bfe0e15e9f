# Private media through CloudFront: a bucket that nobody can read, and a distribution that answers
# only to URLs and cookies which your site has signed. The same as the package's CloudFormation
# template, whose comments say why each value is what it is.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 6.0" }
  }
}

variable "name" {
  description = "What is made begins with this name."
  default     = "media"
}

variable "bucket" {
  description = "The bucket of the files."
  type        = string
  validation {
    condition     = !endswith(var.bucket, "-an")
    error_message = "must not end in -an: S3 reserves that for names of one account."
  }
}

variable "first_key_id" {
  description = "The ID of the first public key (K...). The site replaces it later."
  type        = string
}

variable "domain" {
  description = "The domain that viewers see. Empty for CloudFront's own."
  default     = ""
}

variable "certificate_arn" {
  description = "The ACM certificate of the domain, in us-east-1."
  default     = ""
}

variable "cors_origins" {
  description = "Origins whose pages may read files by script, also with signed cookies."
  type        = list(string)
  default     = []
}

variable "upload_origins" {
  description = "Origins whose pages may upload files to the bucket."
  type        = list(string)
  default     = []
}

variable "upload_prefix" {
  description = "Where uploads wait: tmp/uploads/, after the location of the storage."
  default     = ""
  validation {
    # What is below it is deleted after 7 days.
    condition     = can(regex("^$|^([^/]+/)*tmp/uploads/$", var.upload_prefix))
    error_message = "must end in tmp/uploads/, and must not begin with a slash."
  }
}

variable "kms_key_arn" {
  description = "The KMS key that encrypts new files. Empty for encryption by S3."
  default     = ""
}

variable "managed_policies" {
  description = "Use policies that AWS manages. CloudFront's plans Free and Pro take no others."
  type        = bool
  default     = false
}

variable "web_acl_arn" {
  description = "A web ACL of AWS WAF. A flat-rate plan needs the one that it was made with."
  default     = ""
}

data "aws_region" "here" {}

locals {
  # CloudFront's names are unique in an account, not in a region.
  name = "${var.name}-${data.aws_region.here.region}"

  # SVG and HTML that users uploaded run no script. PDF, images, audio and video open as usual.
  csp = "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"

  # AWS's pages "Use managed cache policies" and "Use managed response headers policies".
  caching_optimized         = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  cors_and_security_headers = "e61eb60c-9c35-4d20-a928-2b84e02af89c"
}

# The site rotates its keys: without ignore_changes, an apply would undo a rotation.
resource "aws_cloudfront_key_group" "site" {
  name  = local.name
  items = [var.first_key_id]
  lifecycle { ignore_changes = [items] }
}

# Without force_destroy, Terraform deletes no bucket that has files.
resource "aws_s3_bucket" "files" {
  bucket = var.bucket
}

resource "aws_s3_bucket_ownership_controls" "files" {
  bucket = aws_s3_bucket.files.id
  rule { object_ownership = "BucketOwnerEnforced" }
}

resource "aws_s3_bucket_public_access_block" "files" {
  bucket                  = aws_s3_bucket.files.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "files" {
  bucket = aws_s3_bucket.files.id
  rule {
    bucket_key_enabled = var.kms_key_arn == "" ? null : true
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == "" ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn == "" ? null : var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_cors_configuration" "files" {
  count  = length(var.upload_origins) == 0 ? 0 : 1
  bucket = aws_s3_bucket.files.id
  cors_rule {
    id              = "uploads"
    allowed_origins = var.upload_origins
    allowed_methods = ["POST", "PUT"]
    allowed_headers = ["*"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3000
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "files" {
  bucket = aws_s3_bucket.files.id
  rule {
    id     = "unfinished-parts"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload { days_after_initiation = 7 }
  }
  dynamic "rule" {
    for_each = var.upload_prefix == "" ? [] : [var.upload_prefix]
    content {
      id     = "unfinished-uploads"
      status = "Enabled"
      filter { prefix = rule.value }
      expiration { days = 7 }
    }
  }
}

resource "aws_s3_bucket_policy" "files" {
  bucket = aws_s3_bucket.files.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AllowCloudFront"
      Effect    = "Allow"
      Principal = { Service = "cloudfront.amazonaws.com" }
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.files.arn}/*"
      Condition = {
        StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.files.arn }
      }
    }]
  })
}

resource "aws_cloudfront_origin_access_control" "files" {
  name                              = local.name
  description                       = "CloudFront reads ${var.bucket}"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_cache_policy" "files" {
  count       = var.managed_policies ? 0 : 1
  name        = local.name
  comment     = "One copy of a file for each name under which it is downloaded"
  min_ttl     = 0
  default_ttl = 86400
  max_ttl     = 31536000
  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true
    cookies_config { cookie_behavior = "none" }
    headers_config { header_behavior = "none" }
    query_strings_config {
      query_string_behavior = "whitelist"
      query_strings {
        items = ["response-content-disposition", "response-content-type", "versionId"]
      }
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "files" {
  count   = var.managed_policies ? 0 : 1
  name    = local.name
  comment = "Files of users run no script on this domain, and no URL reaches another site"
  security_headers_config {
    content_type_options { override = true }
    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }
    content_security_policy {
      content_security_policy = local.csp
      override                = true
    }
  }
  dynamic "cors_config" {
    for_each = length(var.cors_origins) == 0 ? [] : [var.cors_origins]
    content {
      access_control_allow_origins { items = cors_config.value }
      access_control_allow_methods { items = ["GET", "HEAD"] }
      access_control_allow_headers { items = ["Range"] }
      access_control_expose_headers { items = ["Accept-Ranges", "Content-Range", "ETag"] }
      access_control_allow_credentials = true
      origin_override                  = true
    }
  }
}

resource "aws_cloudfront_distribution" "files" {
  comment         = local.name
  enabled         = true
  http_version    = "http2and3"
  is_ipv6_enabled = false
  price_class     = "PriceClass_All"
  aliases         = var.domain == "" ? [] : [var.domain]
  web_acl_id      = var.web_acl_arn == "" ? null : var.web_acl_arn
  viewer_certificate {
    cloudfront_default_certificate = var.domain == "" ? true : null
    acm_certificate_arn            = var.domain == "" ? null : var.certificate_arn
    minimum_protocol_version       = var.domain == "" ? null : "TLSv1.2_2025"
    ssl_support_method             = var.domain == "" ? null : "sni-only"
  }
  origin {
    origin_id                = "files"
    domain_name              = aws_s3_bucket.files.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.files.id
  }
  default_cache_behavior {
    target_origin_id           = "files"
    trusted_key_groups         = [aws_cloudfront_key_group.site.id]
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = var.managed_policies ? local.caching_optimized : aws_cloudfront_cache_policy.files[0].id
    response_headers_policy_id = var.managed_policies ? local.cors_and_security_headers : aws_cloudfront_response_headers_policy.files[0].id
  }
  lifecycle {
    precondition {
      condition     = !var.managed_policies || length(var.cors_origins) == 0
      error_message = "With managed_policies, pages of every origin may read files, and never with cookies."
    }
  }
  restrictions {
    geo_restriction { restriction_type = "none" }
  }
}

output "settings" {
  value = {
    AWS_STORAGE_BUCKET_NAME        = aws_s3_bucket.files.id
    AWS_S3_REGION_NAME             = data.aws_region.here.region
    AWS_S3_CUSTOM_DOMAIN           = coalesce(var.domain, aws_cloudfront_distribution.files.domain_name)
    AWS_CLOUDFRONT_DISTRIBUTION_ID = aws_cloudfront_distribution.files.id
    AWS_CLOUDFRONT_KEY_GROUP_ID    = aws_cloudfront_key_group.site.id
  }
}

output "distribution_domain" {
  description = "Where the CNAME or ALIAS record of your domain must point"
  value       = aws_cloudfront_distribution.files.domain_name
}

output "kms_key_policy_statement" {
  description = "Add this statement to the policy of the KMS key, or CloudFront cannot decrypt"
  value = var.kms_key_arn == "" ? null : jsonencode({
    Sid       = "AllowCloudFront${aws_cloudfront_distribution.files.id}"
    Effect    = "Allow"
    Principal = { Service = "cloudfront.amazonaws.com" }
    Action    = "kms:Decrypt"
    Resource  = "*"
    Condition = {
      StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.files.arn }
    }
  })
}
