import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Device, FunctionMailbox, INPUT_RING, Mailbox, MAXIMUM_FUNCTIONS } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, type SimulatedPartition } from "../harness.ts";
import {
  capabilities, CAPABILITY, capability, COMMAND, configRead, configWrite, FIRST_ASSIGNED, functionField, MEMORY_SPACE, MSIX, select, startWithFunctions, TABLE_BAR,
} from "./pci-functions.ts";

const ONES = 0xffff_ffff;
const NIC = { identity: 0x10d3_8086, classRevision: 0x0200_0003, subsystem: 0xa01f_8086, bars: { 0: TABLE_BAR }, msix: MSIX, canReset: true };
const EDU = { identity: 0x11e8_1234, classRevision: 0x00ff_0010, subsystem: 0x1100_1af4, bars: { 0: { address: 0xc010_0000n, size: 0x10_0000n } }, msi: true };

let partition: SimulatedPartition;
const read = (device: number, register: number) => configRead(partition, device, register);
const write = (device: number, register: number, value: number) => configWrite(partition, device, register, value);
const read16 = (port: number) => partition.monitor.portRead(0, port, 2);
const command = (index: number) => functionField(partition, index, FunctionMailbox.Command);

beforeEach(async () => {
  partition = await startWithFunctions([NIC, EDU]);
});

describe("mechanism 1", () => {
  test("finds the host bridge, then each function at its device", () => {
    expect(read(0, 0)).toBe(0x0d57_8086);
    expect(read(0, 8) >>> 8).toBe(0x06_0000);
    expect([read(3, 0), read(3, 8), read(3, 0x2c)]).toEqual([NIC.identity, NIC.classRevision, NIC.subsystem]);
    expect([read(4, 0), read(4, 8), read(4, 0x2c)]).toEqual([EDU.identity, EDU.classRevision, EDU.subsystem]);
    expect(partition.status).toBe(AccessStatus.Done);
  });

  test("nothing answers at another device, function or bus, nor with the enable bit clear", () => {
    for (const device of [1, 2, ...Array.from({ length: 27 }, (_, index) => index + 5)]) expect(read(device, 0)).toBe(ONES);
    for (let pciFunction = 1; pciFunction < 8; pciFunction++) {
      select(partition, 3, 0, 0, pciFunction);
      expect(partition.in32(0xcfc)).toBe(ONES);
    }
    for (const bus of [1, 255]) {
      select(partition, 3, 0, bus);
      expect(partition.in32(0xcfc)).toBe(ONES);
    }
    partition.out32(0xcf8, 3 << 11);
    expect(partition.in32(0xcfc)).toBe(ONES);
    partition.out32(0xcfc, ONES);
    expect(command(0)).toBe(0);
  });

  test("bytes and words of CONFIG_DATA", () => {
    select(partition, 3, 0);
    expect([0, 1, 2, 3].map((byte) => partition.in8(0xcfc + byte))).toEqual([0x86, 0x80, 0xd3, 0x10]);
    expect([0xcfc, 0xcfd, 0xcfe].map(read16)).toEqual([0x8086, 0xd380, 0x10d3]);
    write(3, 0x3c, 0);
    partition.out8(0xcfd, 0xff); // interrupt pin
    partition.out8(0xcfc, 0x0b);
    expect(read(3, 0x3c)).toBe(0x0b);
  });

  test("an access beyond CONFIG_DATA reads ones and writes nothing", () => {
    select(partition, 3, COMMAND);
    expect([read16(0xcff), partition.in32(0xcfd), partition.in32(0xcfe)]).toEqual([0xffff, ONES, ONES]);
    for (const port of [0xcfd, 0xcfe, 0xcff]) partition.out32(port, 7);
    expect([read(3, COMMAND), command(0)]).toEqual([0x0010_0000, 0]);
  });

  test("a narrow access to CONFIG_ADDRESS reaches no device", () => {
    select(partition, 3, COMMAND);
    partition.out8(0xcf8, 7);
    partition.out16(0xcfa, 7);
    expect([partition.in8(0xcf8), read16(0xcfa), command(0)]).toEqual([0xff, 0xffff, 0]);
  });

  test("CONFIG_ADDRESS keeps its defined bits, and 0xcf9 stays the reset register", () => {
    partition.out32(0xcf8, ONES);
    expect(partition.in32(0xcf8)).toBe(0x80ff_fffc);
    partition.out8(0xcf9, 0x02);
    expect([partition.in8(0xcf9), partition.in32(0xcf8)]).toEqual([0x02, 0x80ff_fffc]);
  });

  test("the host bridge ignores writes", () => {
    const registers = Array.from({ length: 64 }, (_, number) => number * 4);
    const before = registers.map((register) => read(0, register));
    for (const register of registers) write(0, register, ONES);
    expect(registers.map((register) => read(0, register))).toEqual(before);
  });
});

describe("how many functions", () => {
  test("none: every read gives ones, the host bridge is not there either", async () => {
    partition = await startWithFunctions([]);
    for (let device = 0; device < 32; device++) expect(read(device, 0)).toBe(ONES);
    expect(partition.status).toBe(AccessStatus.Done);
  });

  test("eight, and a larger count is taken as eight", async () => {
    partition = await startWithFunctions(Array.from({ length: 8 }, (_, index) => ({ identity: 0x1234_0000 + index })));
    partition.poke32(Mailbox.FunctionCount, 4096);
    partition.monitor.start();
    expect(Array.from({ length: 8 }, (_, index) => read(index + FIRST_ASSIGNED, 0))).toEqual(Array.from({ length: 8 }, (_, index) => 0x1234_0000 + index));
    for (let device = FIRST_ASSIGNED + 8; device < 32; device++) expect(read(device, 0)).toBe(ONES);
  });

  test("without the device the ports are open bus", async () => {
    partition = await startWithFunctions([NIC], { devices: ALL_DEVICES & ~Device.Pci });
    expect([read(3, 0), partition.status]).toEqual([ONES, AccessStatus.OpenBus]);
  });
});

describe("command and status", () => {
  test("what the guest sets reaches the kernel; bits without a meaning read 0", () => {
    write(3, COMMAND, ONES);
    expect([read(3, COMMAND), command(0), command(1)]).toEqual([0x0010_0547, 7, 0]);
    partition.out8(0xcfc, 0x06);
    expect([read(3, COMMAND), command(0)]).toEqual([0x0010_0506, 6]);
    partition.out8(0xcfd, 0);
    expect([read(3, COMMAND), command(0)]).toEqual([0x0010_0006, 6]);
    partition.monitor.portWrite(0, 0xcfe, 2, 0xffff);
    expect(read(3, COMMAND)).toBe(0x0010_0006);
  });

  test("identity, class, subsystem, header type, ROM and pin are read-only", () => {
    for (const register of [0x00, 0x08, 0x2c, 0x30, 0x34]) {
      const before = read(3, register);
      write(3, register, ~before);
      expect(read(3, register)).toBe(before);
    }
    write(3, 0x0c, ONES);
    write(3, 0x3c, ONES);
    expect([read(3, 0x0c), read(3, 0x30), read(3, 0x3c)]).toEqual([0xff, 0, 0xff]);
  });
});

describe("base address registers", () => {
  test("a 32-bit one is sized by all ones and keeps what it is given", () => {
    expect(read(3, 0x10)).toBe(0xc000_0000);
    write(3, 0x10, ONES);
    expect(read(3, 0x10)).toBe(0xffff_c000);
    write(3, 0x10, 0xd123_4567);
    expect(read(3, 0x10)).toBe(0xd123_4000);
    expect([0x14, 0x18, 0x1c, 0x20, 0x24].map((register) => read(3, register))).toEqual([0, 0, 0, 0, 0]);
    write(3, 0x14, ONES);
    expect(read(3, 0x14)).toBe(0);
  });

  test("a 64-bit prefetchable one takes two registers", async () => {
    const bars = { 2: { address: 0xd000_0000n, size: 0x2000n, flags: 0xc }, 4: { address: 0xe000_0000n, size: 1n << 33n, flags: 0x4 } };
    partition = await startWithFunctions([{ bars }]);
    expect([read(3, 0x18), read(3, 0x1c)]).toEqual([0xd000_000c, 0]);
    for (const register of [0x18, 0x1c, 0x20, 0x24]) write(3, register, ONES);
    expect([read(3, 0x18), read(3, 0x1c), read(3, 0x20), read(3, 0x24)]).toEqual([0xffff_e00c, ONES, 0x0000_0004, 0xffff_fffe]);
  });

  test("I/O ones, of four bytes too", async () => {
    partition = await startWithFunctions([{ bars: { 0: { address: 0xc000n, size: 0x20n, flags: 1 }, 5: { address: 0xc020n, size: 4n, flags: 1 } } }]);
    expect([read(3, 0x10), read(3, 0x24)]).toEqual([0xc001, 0xc021]);
    for (const register of [0x10, 0x24]) write(3, register, ONES);
    expect([read(3, 0x10), read(3, 0x24)]).toEqual([0xffff_ffe1, 0xffff_fffd]);
  });

  test("a 64-bit flag on the last register spills nowhere", async () => {
    partition = await startWithFunctions([{ bars: { 5: { address: 0xc000_0000n, size: 0x1000n, flags: 0x4 } } }]);
    write(3, 0x28, ONES);
    expect([read(3, 0x24), read(3, 0x28)]).toEqual([0xc000_0004, 0]);
  });
});

describe("capability list", () => {
  test("names what the function has", async () => {
    expect([...capabilities(partition, 3).keys()]).toEqual([CAPABILITY.powerManagement, CAPABILITY.msix, CAPABILITY.advancedFeatures]);
    expect([...capabilities(partition, 4).keys()]).toEqual([CAPABILITY.powerManagement, CAPABILITY.msi]);
    partition = await startWithFunctions([{ ...NIC, msi: true, canReset: false }, {}]);
    expect([...capabilities(partition, 3).keys()]).toEqual([CAPABILITY.powerManagement, CAPABILITY.msix]);
    expect([...capabilities(partition, 4).keys()]).toEqual([CAPABILITY.powerManagement]);
  });

  test("is read-only beside its control bits", () => {
    const bytes = () => Array.from({ length: 48 }, (_, number) => read(3, 0x40 + number * 4));
    const before = bytes();
    for (let register = 0x40; register < 0x100; register += 4) {
      if (register !== capability(partition, 3, CAPABILITY.advancedFeatures) + 4) write(3, register, ONES);
    }
    const writable = before.map((value, number) => (value ^ (bytes()[number] ?? 0)) >>> 0);
    expect(writable.filter((bits) => bits !== 0)).toEqual([0x3, 0xc000_0000]);
  });

  test("power state: D0 and D3hot are kept, others discarded; nothing happens to the function", () => {
    const register = capability(partition, 3, CAPABILITY.powerManagement) + 4;
    const states = [3, 1, 2, 0, 1].map((state) => {
      write(3, register, state);
      return read(3, register);
    });
    expect(states).toEqual([0xb, 0xb, 0xb, 0x8, 0x8]);
    expect(functionField(partition, 0, FunctionMailbox.Reset)).toBe(0);
  });
});

describe("resets", () => {
  test("a function-level reset clears the virtual registers and asks the kernel", () => {
    const control = capability(partition, 3, CAPABILITY.advancedFeatures) + 4;
    write(3, COMMAND, 7);
    write(3, 0x10, 0xd000_0000);
    write(4, COMMAND, MEMORY_SPACE);
    write(3, control, 0xffff_fffe);
    expect(functionField(partition, 0, FunctionMailbox.Reset)).toBe(0);
    partition.out8(0xcfd, 1); // AF Status
    expect(functionField(partition, 0, FunctionMailbox.Reset)).toBe(0);
    partition.out8(0xcfc, 1);
    expect([0, 1].map((index) => functionField(partition, index, FunctionMailbox.Reset))).toEqual([1, 0]);
    expect([read(3, control), read(3, COMMAND), command(0), read(3, 0x10)]).toEqual([0, 0x0010_0000, 0, 0xc000_0000]);
    expect([read(4, COMMAND), command(1)]).toEqual([0x0010_0002, 2]);
    write(3, control, 1);
    expect(functionField(partition, 0, FunctionMailbox.Reset)).toBe(2);
  });

  test("a function that the kernel cannot reset is not reset", () => {
    write(4, COMMAND, MEMORY_SPACE);
    for (let register = 0x40; register < 0x100; register += 4) write(4, register, 1);
    expect([functionField(partition, 1, FunctionMailbox.Reset), command(1)]).toEqual([0, 2]);
  });

  test("start() brings everything back, and forgets functions that are gone", () => {
    write(3, COMMAND, 7);
    write(3, 0x10, ONES);
    write(4, COMMAND, 7);
    partition.poke32(Mailbox.FunctionCount, 1);
    partition.monitor.start();
    expect([partition.in32(0xcf8), read(3, COMMAND), command(0), read(3, 0x10)]).toEqual([0, 0x0010_0000, 0, 0xc000_0000]);
    expect(read(4, 0)).toBe(ONES);
    partition.poke32(Mailbox.FunctionCount, 0);
    partition.monitor.start();
    expect([read(0, 0), read(3, 0)]).toEqual([ONES, ONES]);
  });
});

test("the records of functions overlap no other part of the mailbox", () => {
  expect(Mailbox.FunctionCount).toBeGreaterThanOrEqual(Mailbox.WallClock + 8);
  expect(Mailbox.FunctionCount + 4).toBeLessThanOrEqual(Mailbox.Frame);
  expect(Mailbox.Functions).toBeGreaterThanOrEqual(Mailbox.InputRing + INPUT_RING);
  expect(Mailbox.Functions + MAXIMUM_FUNCTIONS * FunctionMailbox.Size).toBeLessThanOrEqual(Mailbox.Size);
});
