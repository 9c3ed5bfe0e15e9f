"""Ask S3 itself, without CloudFront and without credentials: it must refuse."""

from __future__ import annotations

from urllib.parse import quote

from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.kinds import finding
from cfsigned_django.viewer import Answer, Fetch, NoAnswer

_HOME_REGION = "us-east-1"


def direct_url(
    bucket: str, key: str, *, region: str | None = None, endpoint_url: str | None = None
) -> str:
    """Return the address of an object in S3; ``key`` is not percent-encoded."""
    path = quote(key)
    if endpoint_url:
        return f"{endpoint_url.rstrip('/')}/{bucket}/{path}"
    region = region or _HOME_REGION
    suffix = ".cn" if region.startswith("cn-") else ""
    host = f"s3.{region}.amazonaws.com{suffix}"
    # The certificate of *.s3 covers no name with a dot in it.
    return f"https://{host}/{bucket}/{path}" if "." in bucket else f"https://{bucket}.{host}/{path}"


def judge_direct(fetch: Fetch, url: str, region: str | None) -> Finding:
    """Ask for an object without credentials, and judge the answer."""
    try:
        answer = fetch(url, {})
    except NoAnswer as error:
        return finding("s3-no-answer", f"S3 does not answer: {error}.", subject=url)
    return judge_answer(answer, url, region)


def judge_answer(answer: Answer, url: str, region: str | None) -> Finding:
    """Judge what S3 answers to everybody; ``region`` is what the settings say."""
    actual = answer.headers.get("x-amz-bucket-region", "")
    if answer.is_served:
        return finding("s3-open", f"{url} is served to everybody.", subject=url)
    if answer.code == "NoSuchKey":
        return finding("s3-lists", f"S3 says that {url} is not there.", subject=url)
    if answer.code == "NoSuchBucket":
        what = f"There is no bucket at {url}."
        return finding("s3-no-bucket", what, subject="AWS_STORAGE_BUCKET_NAME")
    if answer.status in (301, 307, 400) and actual and actual != (region or _HOME_REGION):
        what = f"The bucket is in {actual}, and the settings say {region or 'no region'}."
        return finding("s3-wrong-region", what, subject="AWS_S3_REGION_NAME")
    if answer.status == 403:
        return finding("s3-private", "S3 refuses who comes without CloudFront.", subject=url)
    what = f"S3 answers {answer.status} {answer.code}".rstrip() + "."
    return finding("s3-no-answer", what, subject=url)
