// Prints "N passed, N failed" from vitest's JSON report: REPORT STATUS. A run that failed without a failed test, such
// as one whose build failed, counts as one failure. Plain JavaScript, so that it works when nothing was installed.

import { existsSync, readFileSync } from "node:fs";

const [report, status] = process.argv.slice(2);
const { passed, failed } = existsSync(report) ? count(JSON.parse(readFileSync(report, "utf8"))) : { passed: 0, failed: 0 };
console.log(`${passed} passed, ${failed === 0 && status !== "0" ? 1 : failed} failed`);

/** A test file that fails before its first test counts as one failure. */
function count({ testResults }) {
  let passed = 0;
  let failed = 0;
  for (const { status, assertionResults } of testResults) {
    const failures = assertionResults.filter((test) => test.status === "failed").length;
    passed += assertionResults.filter((test) => test.status === "passed").length;
    failed += status === "failed" && failures === 0 ? 1 : failures;
  }
  return { passed, failed };
}
