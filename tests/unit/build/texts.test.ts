// kernel/texts.json, and its way into the table that the kernel reads.

import { describe, expect, test } from "vitest";
import { symbolTable } from "../../../scripts/build/symbols.ts";
import { readTexts, textsByKey } from "../../../scripts/build/texts.ts";

const texts = readTexts();
/** Printed by the names of their members or the manual's; faults have the same texts in both modes (tests/unit/vtd/fault.test.ts). */
const NAMED = new Set(["VmcsField", "ExitReason", "Mitigation", "RequestType", "FaultReason"]);
/** Member of success, which is never printed. */
const SUCCESS = 0;

describe.each([...texts].filter(([name]) => !NAMED.has(name)))("%s", (_name, list) => {
  test("each failure has a text of its own, and not its member's name", () => {
    const failures = [...list].filter(([number]) => number !== SUCCESS).map(([, text]) => text);
    expect(new Set(failures).size).toBe(failures.length);
    for (const text of failures) expect(text).toMatch(/ |^NMI$/);
  });
});

test("members without a text go by their names", () => {
  expect(texts.get("ExitReason")?.get(10)).toBe("CPUID");
  expect(texts.get("VmcsField")?.get(0x681e)).toBe("GUEST_RIP");
});

test("the table has them by list and number before all functions", () => {
  const keys = [...textsByKey().keys()];
  expect(keys).toEqual(keys.toSorted((left, right) => Number(left - right)));
  expect(textsByKey().get(0x1_000an)).toBe("CPUID");
  const table = symbolTable([{ address: 0xffff_ffff_8020_2000n, name: "vm_exit" }]).split("\n").filter((line) => line.startsWith("  .long 0x"));
  expect(table).toHaveLength(keys.length + 1);
  expect(table.at(-1)).toMatch(/^ {2}\.long 0x80202000, /);
});
