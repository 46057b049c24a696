// Every example is a valid system under the name of its folder, so that `bulkhead boot NAME` finds it.

import { expect, test } from "vitest";
import { exampleNames, findSystemFile, loadSystem } from "../../../scripts/policy/load.ts";

test.each(exampleNames())("%s", async (name) => {
  expect((await loadSystem(findSystemFile(name))).name).toBe(name);
});
