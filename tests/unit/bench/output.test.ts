import { expect, test } from "vitest";
import { bareStart, exitFigure, initReached, partitionStart, ticksToBreakpoint } from "../../../scripts/bench/output.ts";
import { UserError } from "../../../scripts/error.ts";

const OUTPUT = [
  "(0) Breakpoint 1, 0x0000000000200000 in ?? ()",
  "Next at t=1062585",
  "(0) [0x000000200000] 0008:0000000000200000 (unk. ctxt): mov esp, 0x00208000 ; bc00802000",
  "(0) Breakpoint 2, 0x0000000000100000 in ?? ()",
  "Next at t=5189000",
  "[bulkhead] partition linux starts on core 0 with 128 MiB at 0x000004600000, TSC 25731205",
  "[bench] bench exit.cpuid 113",
  "[linux] bulkhead: init reached, ticks 444361150",
  "bare Linux starts, TSC 0x0000000000103abc",
  "",
].join("\n");

test("finds each figure in what a machine printed", () => {
  expect(exitFigure(OUTPUT, "exit.cpuid")).toBe(113);
  expect(partitionStart(OUTPUT, "linux")).toBe(25_731_205);
  expect(initReached(OUTPUT)).toBe(444_361_150);
  expect(bareStart(OUTPUT)).toBe(0x103abc);
  expect(ticksToBreakpoint(OUTPUT, 1)).toBe(1_062_585);
  expect(ticksToBreakpoint(OUTPUT, 2)).toBe(5_189_000);
});

test("takes no other figure for one that is missing", () => {
  const refusal = (): number => exitFigure(OUTPUT, "exit.vmcall");
  expect(refusal).toThrow(UserError);
  expect(refusal).toThrow(/exit\\.vmcall[^]*\| bare Linux starts/);
  expect(() => exitFigure("bench exitXcpuid 1", "exit.cpuid")).toThrow(UserError);
});
