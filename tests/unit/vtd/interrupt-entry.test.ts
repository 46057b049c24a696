import { beforeAll, describe, expect, test } from "vitest";
import { compileInterrupts, InterruptMachine, unsigned, type InterruptExports } from "./interrupt-machine.ts";

let kernel: InterruptExports;
beforeAll(async () => {
  kernel = new InterruptMachine(await compileInterrupts()).kernel;
}, 120_000);

/** Bits `last` to `first` of a number. */
function bits(value: bigint, last: number, first: number): number {
  return Number((value >> BigInt(first)) & ((1n << BigInt(last - first + 1)) - 1n));
}

describe("source validation", () => {
  test("one source id: SVT 01, SQ 00", () => {
    expect(kernel.sourceValidation(0x3a17)).toBe(0x4_3a17);
    expect(kernel.sourceValidation(0xff_0008)).toBe(0x4_0008);
  });

  test("a range of buses: SVT 10, first bus in bits 15:8, last in 7:0", () => {
    expect(kernel.busRangeValidation(3, 9)).toBe(0x8_0309);
  });

  test.each([
    ["one source id", 0x4_ffff, 1],
    ["one bus", 0x8_0303, 1],
    ["all buses", 0x8_00ff, 1],
    ["no check (SVT 00)", 0x0_0010, 0],
    ["reserved SVT 11", 0xc_0010, 0],
    ["a function number that is not compared (SQ 01)", 0x5_0010, 0],
    ["function numbers that are not compared (SQ 11)", 0x7_0010, 0],
    ["an empty range of buses", 0x8_0403, 0],
    ["a reserved bit", 0x14_0010, 0],
  ])("%s", (_what, validation, accepted) => {
    expect(kernel.isValidation(validation)).toBe(accepted);
  });
});

describe("remapped entries", () => {
  test.each([
    ["xAPIC", 0, 0xfe, 0xfe00],
    ["x2APIC", 1, 0xfe, 0xfe],
    ["x2APIC above 255", 1, 0x1234_5678, 0x1234_5678],
  ])("%s destination", (_what, extended, apicId, destination) => {
    const low = unsigned(kernel.remappedLow(0x51, kernel.destinationOf(apicId, extended), 0));
    expect(bits(low, 63, 32)).toBe(destination);
    expect(bits(low, 23, 16)).toBe(0x51);
    expect(bits(low, 15, 0)).toBe(1);
    expect(bits(low, 31, 24)).toBe(0);
  });

  test("level triggered: TM, and nothing else", () => {
    expect(unsigned(kernel.remappedLow(0x51, 0x100, 1)) ^ unsigned(kernel.remappedLow(0x51, 0x100, 0))).toBe(1n << 4n);
  });

  test("destinations that stand for all cores, or that the form cannot hold, are told apart", () => {
    const reachable = (apicId: number, extended: number): number => kernel.isDestination(apicId, extended);
    expect([0, 0xfe, 0xff, 0x100].map((apicId) => reachable(apicId, 0))).toEqual([1, 1, 0, 0]);
    expect([0, 0xff, 0x100, 0xffff_fffe, 0xffff_ffff].map((apicId) => reachable(apicId, 1))).toEqual([1, 1, 1, 1, 0]);
  });

  test("vectors that can be delivered", () => {
    expect([0, 15, 16, 255, 256].map((vector) => kernel.isVector(vector))).toEqual([0, 0, 1, 1, 0]);
  });
});

describe("posted entries", () => {
  const descriptor = 0x12_3456_7fc0n;

  test("the descriptor's address in two parts, IM and the virtual vector", () => {
    const low = unsigned(kernel.postedLow(0x62, descriptor, 0));
    expect(bits(low, 63, 38)).toBe(0x3456_7fc0 >>> 6);
    expect(bits(low, 37, 24)).toBe(0);
    expect(bits(low, 23, 16)).toBe(0x62);
    expect(bits(low, 15, 0)).toBe(0x8001);
    expect(unsigned(kernel.postedHigh(descriptor, 0x4_0010))).toBe(0x12_0004_0010n);
  });

  test("urgent: URG, and nothing else", () => {
    expect(unsigned(kernel.postedLow(0x62, descriptor, 1)) ^ unsigned(kernel.postedLow(0x62, descriptor, 0))).toBe(1n << 14n);
  });
});

describe("remappable messages", () => {
  test.each([
    [0, 0xfee0_0010],
    [1, 0xfee0_0030],
    [255, 0xfee0_1ff0],
    [0x7fff, 0xfeef_fff0],
    [0x8000, 0xfee0_0014],
    [0xffff, 0xfeef_fff4],
  ])("the address of entry %i: format bit 4, handle in bits 19:5 and 2", (index, address) => {
    expect(kernel.messageAddress(index) >>> 0).toBe(address);
  });
});
