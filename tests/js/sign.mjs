// Sign with AWS's own JavaScript signer, as an independent judge of the signatures made here.
//
// Standard input: a JSON list of {"make": "url" | "cookies", "input": {...}}, where "input" is what
// getSignedUrl and getSignedCookies take (keyPairId, privateKey, url, dateLessThan, ...; dates as
// ISO 8601 text). Standard output: a JSON list of the results, in the same order; an error, as
// {"error": text}, is one.

import { readFileSync } from "node:fs";
import { getSignedCookies, getSignedUrl } from "@aws-sdk/cloudfront-signer";

const signers = { url: getSignedUrl, cookies: getSignedCookies };
const cases = JSON.parse(readFileSync(0, "utf8"));
const results = cases.map(({ make, input }) => {
  try {
    return signers[make](input);
  } catch (error) {
    return { error: String(error) };
  }
});

process.stdout.write(JSON.stringify(results));
