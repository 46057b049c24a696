// A step runs again exactly when content that it depends on has changed.

import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildDirectory, stampDirectory } from "../../../scripts/build/paths.ts";
import { silentProgress } from "../../../scripts/build/progress.ts";
import { runStep, type Step } from "../../../scripts/build/step.ts";

describe("a step of the build", () => {
  let folder: string;
  let input: string;
  let output: string;
  let runs: number;

  const step = (settings: string): Step => ({
    name: path.basename(folder),
    title: "copy",
    settings,
    outputs: [output],
    run: async () => {
      runs++;
      writeFileSync(output, readFileSync(input));
      return [input];
    },
  });

  /** Writes a file as if long ago: one that changes while a step runs never counts as current. */
  const writeInput = (text: string): void => {
    writeFileSync(input, text);
    utimesSync(input, 1000, 1000 + text.length);
  };

  beforeEach(() => {
    folder = mkdtempSync(path.join(buildDirectory, "step-test-"));
    input = path.join(folder, "input");
    output = path.join(folder, "output");
    runs = 0;
    writeInput("one");
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
    rmSync(path.join(stampDirectory, `${path.basename(folder)}.json`), { force: true });
  });

  it("does not run twice for the same content", async () => {
    await runStep(step("a"), silentProgress);
    utimesSync(input, 2000, 2000);
    await runStep(step("a"), silentProgress);
    expect(runs).toBe(1);
  });

  it("runs again for another input, for another setting and for a lost output", async () => {
    await runStep(step("a"), silentProgress);
    writeInput("three");
    await runStep(step("a"), silentProgress);
    expect(readFileSync(output, "utf8")).toBe("three");
    await runStep(step("b"), silentProgress);
    rmSync(output);
    await runStep(step("b"), silentProgress);
    expect(existsSync(output)).toBe(true);
    expect(runs).toBe(4);
  });

  it("runs again after one that failed", async () => {
    const failing: Step = { ...step("a"), run: () => Promise.reject(new Error("broken")) };
    await runStep(step("a"), silentProgress);
    writeInput("three");
    await expect(runStep(failing, silentProgress)).rejects.toThrow("broken");
    await runStep(step("a"), silentProgress);
    expect(runs).toBe(2);
  });
});
