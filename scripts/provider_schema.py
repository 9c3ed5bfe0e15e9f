"""Write what the newest Terraform provider of AWS takes, for the resources of the example.

The words are those of cdktn-provider-aws, which a program makes from the schema of each release of
the provider. Its package is 70 MB, so that the words are kept here, and `make stack` renews them.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "tests" / "tools" / "stack" / "provider_schema.json"
EXAMPLE = ROOT / "docs" / "aws" / "terraform" / "main.tf"
PAGE = ROOT / "docs" / "aws" / "terraform.md"
#: What every resource has, and no author gives.
OF_RESOURCES = {"id", "timeouts"}


def assembly() -> Any:
    """Return all types of the newest package, in the format of jsii."""
    with TemporaryDirectory() as folder:
        command = ["pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run(
            [sys.executable, "-m", *command, "--dest", folder, "cdktn-provider-aws"], check=True
        )
        [wheel] = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as package:
            [name] = [each for each in package.namelist() if each.endswith(".jsii.tgz")]
            archive = package.read(name)
    with tarfile.open(fileobj=io.BytesIO(archive)) as inner:
        found = inner.extractfile("package/.jsii")
        assert found
        return json.load(found)["types"]


def words(types: Any, name: str) -> dict[str, Any]:
    """Return what a block takes: an attribute is null, a block has its own, "!" is required."""
    found = {}
    for each in types[name]["properties"]:
        docs = each["docs"]
        word = re.findall(r"#(\w+)}", f"{docs.get('summary')} {docs.get('remarks')}")[-1]
        # A type is a name, or a list or a union with one.
        inner = re.search(r"'fqn': '(@[^']+)'", str(each["type"]))
        required = "" if each.get("optional") else "!"
        found[word + required] = words(types, inner[1]) if inner else None
    return dict(sorted(found.items()))


def main() -> None:
    """Write the schema, and its version into the page."""
    types = assembly()
    resources = {}
    for kind in re.findall(r'^resource "(\w+)"', EXAMPLE.read_text("utf-8"), re.MULTILINE):
        title = kind.removeprefix("aws_").title().replace("_", "")
        # Where a word ends in Configuration, a name may have an A against a clash.
        [name] = [each for each in types if re.search(rf"\.{title}A?Config$", each)]
        found = words(types, name)
        resources[kind] = {each: found[each] for each in found if each not in OF_RESOURCES}
    [version] = {*re.findall(r"hashicorp/aws/([\d.]+)/docs/resources/s3_bucket#", str(types))}
    lines = [f"  {json.dumps(name)}: {json.dumps(each)}" for name, each in resources.items()]
    SCHEMA.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    text = PAGE.read_text("utf-8")
    words_of = "with the words that version {} of the AWS provider knows"
    PAGE.write_text(re.sub(words_of.format(r"[\d.]+"), words_of.format(version), text), "utf-8")
    print(f"{SCHEMA.relative_to(ROOT)} has the words of version {version}.")


if __name__ == "__main__":
    main()
