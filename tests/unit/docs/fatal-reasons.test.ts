// docs/fatal-reasons.md lists every number that a user can meet, with the words that the kernel prints.

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { readTexts } from "../../../scripts/build/texts.ts";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import { readEnum } from "../machine/source-enums.ts";

const document = readFileSync(path.join(projectDirectory, "docs/fatal-reasons.md"), "utf8");

/** Rows of the table below a heading: text by number. */
function readTable(heading: string): Map<number, string> {
  const section = document.split("\n## ").find((part) => part.startsWith(heading)) ?? "";
  return new Map([...section.matchAll(/^\| (\d+) \| ([^|]+) \|/gm)].map(([, number, text]) => [Number(number), (text ?? "").trim()]));
}

describe.each([
  ["Fatal reasons", "kernel/boot/fatal.ts", "FatalReason"],
  ["Stop reasons", "kernel/partition/intent.ts", "StopReason"],
])("%s", (heading, file, name) => {
  const texts = readTexts().get(name) ?? new Map<number, string>();
  const table = readTable(heading);

  test.each([...readEnum(file, name)])("%s (%d) stands there as the kernel prints it", (member, number) => {
    expect(table.get(number)).toBe(texts.get(number));
    expect(table.get(number)).not.toBe(member);
  });

  test("every other number there is marked as retired", () => {
    const numbers = new Set(readEnum(file, name).values());
    for (const [number, text] of table) if (!numbers.has(number)) expect(text).toMatch(/^retired: /);
  });
});
