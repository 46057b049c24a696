// How a system file names PCI functions, and what it may not say of them.

import { describe, expect, test } from "vitest";
import { UserError } from "../../../scripts/error.ts";
import { typescript } from "../../../scripts/policy/language.ts";
import { checkDescription } from "../../../scripts/policy/load.ts";
import { formatPciName, parsePciName, type PciName } from "../../../scripts/policy/pci.ts";

describe("names", () => {
  const names: [string, PciName, string][] = [
    ["00:04.0", { kind: "address", segment: 0, sourceId: 0x20 }, "0000:00:04.0"],
    ["0000:00:04.0", { kind: "address", segment: 0, sourceId: 0x20 }, "0000:00:04.0"],
    ["ABCD:fE:1f.7", { kind: "address", segment: 0xabcd, sourceId: 0xfeff }, "abcd:fe:1f.7"],
    ["00:00.0", { kind: "address", segment: 0, sourceId: 0 }, "0000:00:00.0"],
    ["8086:10D3", { kind: "identity", vendor: 0x8086, device: 0x10d3 }, "8086:10d3"],
    ["0001:ffff", { kind: "identity", vendor: 1, device: 0xffff }, "0001:ffff"],
  ];

  test.each(names)("%s", (text, name, canonical) => {
    expect(parsePciName(text)).toEqual({ name });
    expect(formatPciName(name)).toBe(canonical);
    expect(parsePciName(canonical)).toEqual({ name });
  });

  test.each([
    ["", "write an address"],
    ["0:4.0", "write an address"],
    ["00:04", "write an address"],
    ["00:04.0 ", "write an address"],
    ["00:04.00", "write an address"],
    ["10000:00:04.0", "write an address"],
    ["808g:10d3", "write an address"],
    ["8086:10d3:1", "write an address"],
    ["00:20.0", "00 to 1f"],
    ["00:1f.8", "0 to 7"],
    ["ffff:10d3", "no vendor"],
    ["0000:10d3", "no vendor"],
  ])("%j is refused", (text, mistake) => {
    expect(parsePciName(text)).toEqual({ mistake: expect.stringContaining(mistake) as string });
  });
});

function partition(pci: unknown, changes: object = {}): object {
  return { name: "one", core: 0, memory: "16 MiB", image: typescript("clock"), devices: ["local-apic", "pci"], pci, ...changes };
}

/** `count` functions of `bus`. */
function functions(bus: number, count: number): object[] {
  return Array.from({ length: count }, (_, slot) => ({ device: `0${bus}:0${slot}.0` }));
}

/** The UserError that a system of these partitions is refused with. */
function refusal(partitions: object[], changes: object = {}): UserError {
  try {
    checkDescription({ name: "test", partitions, ...changes }, "test.ts");
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("the system was accepted");
}

describe("a system file", () => {
  test("assigns nothing and remaps in legacy mode unless it says so", () => {
    const system = checkDescription({ name: "test", partitions: [partition(undefined)] }, "test.ts");
    expect(system.remapping).toBe("legacy");
    expect(system.partitions[0]!.pci).toEqual([]);
  });

  test("grants no reserved memory, no device TLB and no hand-over without reset unless it says so", () => {
    const system = checkDescription({ name: "test", partitions: [partition([{ device: "00:04.0" }])] }, "test.ts");
    const device = { kind: "address", segment: 0, sourceId: 0x20 };
    expect(system.partitions[0]!.pci).toEqual([{ device, reservedMemory: false, deviceTlb: false, withoutReset: false }]);
  });

  test("may give one partition 8 functions, and 32 in all", () => {
    const partitions = [0, 1, 2, 3].map((core) => partition(functions(core, 8), { name: `p${core}`, core }));
    expect(checkDescription({ name: "test", partitions }, "test.ts").partitions.flatMap(({ pci }) => pci)).toHaveLength(32);
  });

  test("gives a Linux partition the configuration ports that its functions need", () => {
    const linux = partition([{ device: "00:04.0" }], { image: { kind: "linux" }, devices: undefined });
    expect(checkDescription({ name: "test", partitions: [linux] }, "test.ts").partitions[0]!.devices).toContain("pci");
  });
});

describe("a mistake is answered with file, field, value and remedy", () => {
  const five = [0, 1, 2, 3, 4].map((core) => partition(functions(core, core === 4 ? 1 : 8), { name: `p${core}`, core }));
  const other = { name: "two", core: 1 };
  const cases: [string, object[], string, string][] = [
    ["a name of no form", [partition([{ device: "nvme0" }])], 'partitions[0].pci[0].device is "nvme0": write an address such as', "test.ts"],
    ["a device beyond the bus", [partition([{ device: "00:20.0" }])], 'partitions[0].pci[0].device is "00:20.0": the devices of a bus are 00 to 1f', "test.ts"],
    ["a name that is no text", [partition([{ device: 4 }])], "partitions[0].pci[0].device is 4: write an address or an identity as text", "test.ts"],
    ["a name alone", [partition(["00:04.0"])], 'partitions[0].pci[0] is "00:04.0": write { device: "00:04.0" }', "test.ts"],
    ["an unknown field", [partition([{ device: "00:04.0", ats: true }])], "partitions[0].pci[0].ats is true: there is no such field", "test.ts"],
    ["a flag that is no boolean", [partition([{ device: "00:04.0", deviceTlb: 1 }])], "partitions[0].pci[0].deviceTlb is 1", "test.ts"],
    ["no list", [partition({ device: "00:04.0" })], 'partitions[0].pci is {"device":"00:04.0"}', "test.ts"],
    ["nine in one partition", [partition(functions(0, 9))], "a partition may own at most 8 PCI devices", "test.ts"],
    ["33 in all", five, "the fields pci of all partitions name 33 devices", "at most 32 devices in the whole system"],
    [
      "one twice in a partition",
      [partition([{ device: "00:04.0" }, { device: "0000:00:04.0" }])],
      'partitions[0].pci[1].device is "0000:00:04.0", the device of partitions[0].pci[0] too',
      "name it once",
    ],
    [
      "one in two partitions",
      [partition([{ device: "8086:10d3" }]), partition([{ device: "00:04.0" }, { device: "8086:10D3" }], other)],
      'partitions[1].pci[1].device is "8086:10d3", the device of partitions[0].pci[0] too',
      "name it once",
    ],
    [
      "no configuration ports",
      [partition([{ device: "00:04.0" }], { devices: ["local-apic"] })],
      'partitions[0].devices ("one") is ["local-apic"], without the "pci" that partitions[0].pci needs',
      'Add "pci" to devices',
    ],
    ["a violation answered with #GP", [partition([], { health: { device: "inject-fault" } })], 'partitions[0].health.device is "inject-fault"', "test.ts"],
  ];

  test.each(cases)("%s", (_name, partitions, message, remedy) => {
    const error = refusal(partitions);
    expect(error.message).toContain("test.ts: ");
    expect(error.message).toContain(message);
    expect(error.remedy).toContain(remedy);
  });

  test("an unknown way of remapping", () => {
    expect(refusal([partition([])], { remapping: "off" }).message).toContain('test.ts: remapping is "off"');
  });
});
