"""What S3 is asked for a file that a browser sends to it: allow it, look at it, keep it.

Nothing here knows names, owners or tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cfsigned_django.core.aws.client import call
from cfsigned_django.core.aws.errors import AwsError

#: The largest object that S3 takes in one POST, and copies in one call (S3 User Guide, "Amazon S3
#: multipart upload limits").
MAX_PIECE: Final = 5 * 2**30
#: Of one upload: S3 lists so many at once, and takes ten times as many.
MAX_PARTS: Final = 1000
#: In bytes. S3 takes parts from 5 MiB, but each one is a request.
MIN_PART: Final = 64 * 2**20

#: Codes of S3 for what is not there; HEAD has no body, so its code is the HTTP status.
_MISSING: Final = {"404", "NoSuchKey", "NoSuchUpload"}
#: Codes for a condition that does not hold: a name that is taken, or a source that was replaced.
_CHANGED: Final = {"412", "ConditionalRequestConflict", "InvalidPart", "PreconditionFailed"}


def part_sizes(size: int) -> list[int]:
    """Return the sizes of the parts of a large file; each but the last is the same."""
    part = max(MIN_PART, -(-size // MAX_PARTS))
    whole, rest = divmod(size, part)
    return [part] * whole + [rest] * (rest > 0)


#: A method of boto3 -> what it does, and the permission that it needs.
_CALLS: Final[Mapping[str, tuple[str, str]]] = {
    "complete_multipart_upload": ("complete an upload in parts", "s3:PutObject"),
    "copy_object": ("keep what was uploaded", "s3:GetObject and s3:PutObject"),
    "create_multipart_upload": ("start an upload in parts", "s3:PutObject"),
    "delete_object": ("delete what was uploaded", "s3:DeleteObject"),
    "generate_presigned_post": ("sign an upload", "s3:PutObject"),
    "head_object": ("look at what was uploaded", "s3:GetObject and s3:ListBucket"),
    "list_parts": ("list the parts of an upload", "s3:ListMultipartUploadParts"),
}


@dataclass(frozen=True, slots=True)
class S3Object:
    """A key of a bucket, whether or not there is an object, and the client of a storage."""

    client: Any
    bucket: str
    key: str

    def sign_form(self, *, size: int, content_type: str, seconds: int) -> dict[str, Any]:
        """Return "url" and "fields" of a form that puts a file of this size and type here."""
        self._presign_with_v4("PutObject")
        form: dict[str, Any] = self._call(
            "generate_presigned_post",
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", size, size]],
            ExpiresIn=seconds,
        )
        return form

    def start_parts(self, parameters: Mapping[str, Any]) -> str:
        """Start an upload in parts, and return its ID. Until it ends, nothing is here."""
        given = self._known("create_multipart_upload", parameters)
        # S3 would demand this checksum with each part, and a browser sends none.
        given.pop("ChecksumAlgorithm", None)
        return str(self._call("create_multipart_upload", **given)["UploadId"])

    def sign_part(self, upload_id: str, number: int, *, size: int, seconds: int) -> str:
        """Return a URL that takes a PUT of this many bytes, as a part."""
        self._presign_with_v4("UploadPart")
        part = {"UploadId": upload_id, "PartNumber": number, "ContentLength": size}
        url: str = self.client.generate_presigned_url(
            "upload_part",
            Params={"Bucket": self.bucket, "Key": self.key, **part},
            ExpiresIn=seconds,
        )
        return url

    def head(self) -> Any:
        """Return what S3 says of the object, or None if there is none."""
        return self._found("head_object")

    def list_parts(self, upload_id: str) -> Any:
        """Return the parts that have arrived, by number; None if the upload has ended."""
        found = self._found("list_parts", UploadId=upload_id, MaxParts=MAX_PARTS)
        return found and {each["PartNumber"]: each for each in found.get("Parts", ())}

    def copy_new(self, source: S3Object, *, etag: str, parameters: Mapping[str, Any]) -> bool:
        """Copy an object here, unless one is here, or the source no longer has this ETag.

        Metadata and tags of the source are left out: ``parameters`` say what the copy
        has. Return whether it was copied.
        """
        return self._write_new(
            "copy_object",
            **self._known("copy_object", parameters),
            CopySource={"Bucket": source.bucket, "Key": source.key},
            CopySourceIfMatch=etag,
            MetadataDirective="REPLACE",
            TaggingDirective="REPLACE",
        )

    def complete_new(self, upload_id: str, etags: Mapping[int, str]) -> bool:
        """Make an object of these parts, unless one is here. Return whether it was made."""
        parts = [{"PartNumber": number, "ETag": etags[number]} for number in sorted(etags)]
        return self._write_new(
            "complete_multipart_upload", UploadId=upload_id, MultipartUpload={"Parts": parts}
        )

    def remove(self) -> None:
        self._call("delete_object")

    def _call(self, method: str, **parameters: Any) -> Any:
        action = getattr(self.client, method)
        return call(action, *_CALLS[method], Bucket=self.bucket, Key=self.key, **parameters)

    def _found(self, method: str, **parameters: Any) -> Any:
        try:
            return self._call(method, **parameters)
        except AwsError as error:
            if error.code in _MISSING:
                return None
            raise

    def _write_new(self, method: str, **parameters: Any) -> bool:
        """Write, unless one is here: the caller has looked, and S3 looks again."""
        try:
            self._call(method, **{**parameters, "IfNoneMatch": "*"})
        except AwsError as error:
            if error.code in _MISSING | _CHANGED:
                return False
            raise
        return True

    def _known(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return those parameters of PutObject that the method has, too."""
        operation = self.client.meta.method_to_api_mapping[method]
        shape = self.client.meta.service_model.operation_model(operation).input_shape
        return {name: value for name, value in parameters.items() if name in shape.members}

    def _presign_with_v4(self, operation: str) -> None:
        """Let the client sign uploads with Signature Version 4.

        In older regions, boto3 takes version 2 for what it presigns, which binds no length.
        """
        event = f"choose-signer.s3.{operation}"
        self.client.meta.events.register(event, _version_4, unique_id=f"cfsigned-{event}")


def _version_4(signature_version: Any, **event: Any) -> str | None:
    version, _, use = str(signature_version).partition("-")
    is_presigned = use in {"presign-post", "query"} and version in {"s3", "s3v4", "v4"}
    return f"s3v4-{use}" if is_presigned else None
