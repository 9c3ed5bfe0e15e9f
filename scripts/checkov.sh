#!/usr/bin/env bash
# Let checkov judge the template and the Terraform example, each with every option. .checkov.yaml has
# what it need not ask. It brings a hundred packages, and a boto3 that is not the tests': hence an
# environment of its own.
# usage: scripts/checkov.sh [CHECKOV ARGUMENT...]
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
DJANGO_SETTINGS_MODULE=tests.settings .venv/bin/python - "$folder" <<'PYTHON'
import json, shutil, sys
from pathlib import Path
from tests.tools.stack import EVERYTHING
from tests.tools.stack.evaluated import Template
from tests.tools.stack.test_terraform import CASES, FOLDER, VARIABLES

folder = Path(sys.argv[1])
template = Template(**EVERYTHING)
resources = {
    name: {"Type": template.read["Resources"][name]["Type"], "Properties": properties}
    for name, properties in template.resources().items()
}
(folder / "template.json").write_text(json.dumps({"Resources": resources}))
(folder / "all.tfvars.json").write_text(json.dumps({**VARIABLES, **CASES["everything"][0]}))
shutil.copy(FOLDER / "main.tf", folder)
PYTHON
.venv/bin/uv tool run --quiet --python .venv/bin/python checkov --config-file .checkov.yaml \
  --skip-download --quiet --compact --framework cloudformation terraform \
  --directory "$folder" --var-file "$folder/all.tfvars.json" "$@"
