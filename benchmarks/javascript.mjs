// Sign with AWS's own signer for JavaScript, and say how long it took.
//
// Each line of standard input: JSON with "urls", "keyPairId" and "privateKey". Each line of standard
// output: JSON with "microseconds", which this process was busy.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// Where scripts/javascript_signer.sh installs it.
const { getSignedUrl } = createRequire(new URL("../tests/js/sign.mjs", import.meta.url))(
  "@aws-sdk/cloudfront-signer",
);

for await (const line of createInterface({ input: process.stdin })) {
  const { urls, keyPairId, privateKey } = JSON.parse(line);
  const before = process.cpuUsage();
  for (const url of urls) {
    const dateLessThan = new Date(Date.now() + 3_600_000);
    getSignedUrl({ url, keyPairId, privateKey, dateLessThan });
  }
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(`${JSON.stringify({ microseconds: user + system })}\n`);
}
