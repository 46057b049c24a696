// Each weakness of tests/weakened still finds its text, so that a boot need not be waited for to learn that it does not.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import * as weaknesses from "../../weakened/weaknesses.ts";

test.each(Object.entries(weaknesses))("%s: its text stands once in its file", (_name, { file, text }) => {
  expect(readFileSync(path.join(projectDirectory, file), "utf8").split(text)).toHaveLength(2);
});
