import { beforeAll, describe, expect, test } from "vitest";
import { compileFloor, FloorMachine } from "../machine/floor.ts";
import { PhysicalMemory } from "../machine/physical-memory.ts";
import { enumReader } from "../machine/source-enums.ts";

const vector = enumReader("drivers/vectors.ts", "HostVector");
const NAMES = 0x3000;
const RINGS = 0x100_0000;
const LINUX = 0;
const CLOCK = 1;
const NO_INPUT = -1;
const CTRL_BRACKET = 0x1d;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

function register(machine: FloorMachine): void {
  machine.memory.writeBytes(NAMES, Buffer.from("linux\0"));
  machine.memory.writeBytes(NAMES + 32, Buffer.from("clock\0"));
  machine.floor.registerPartition(LINUX, BigInt(NAMES), 1);
  machine.floor.registerPartition(CLOCK, BigInt(NAMES + 32), 0);
}

function core0(): FloorMachine {
  const machine = new FloorMachine(module);
  machine.floor.openConsoles(1);
  register(machine);
  return machine;
}

function say(machine: FloorMachine, partition: number, text: string): void {
  for (const byte of Buffer.from(text, "latin1")) expect(machine.floor.putPartitionByte(partition, byte)).toBe(1);
}

describe("lines on core 0", () => {
  test("whole lines with names, whoever interrupts", () => {
    const machine = core0();
    say(machine, LINUX, "Linux ver");
    say(machine, CLOCK, "tick 1\r\ntick");
    machine.printLine("sealed");
    say(machine, LINUX, "sion 6.1\r\n");
    say(machine, CLOCK, " 2\n");
    expect(machine.debugConsole.output).toBe("[clock] tick 1\r\n[bulkhead] sealed\r\n[linux] Linux version 6.1\r\n[clock] tick 2\r\n");
  });

  test("the partition with the keyboard is shown at once; a line in between breaks its line, which comes again", () => {
    const machine = core0();
    machine.floor.giveKeyboard(LINUX);
    say(machine, LINUX, "/ # ");
    expect(machine.debugConsole.output).toBe("[linux] / # ");
    say(machine, CLOCK, "tick\n");
    expect(machine.debugConsole.output).toBe("[linux] / # \r\n[clock] tick\r\n[linux] / # ");
    say(machine, LINUX, "ls\r\n");
    say(machine, LINUX, "bin\n");
    expect(machine.debugConsole.output).toBe("[linux] / # \r\n[clock] tick\r\n[linux] / # ls\r\n[linux] bin\r\n");
    machine.printLine("done");
    expect(machine.debugConsole.output).toMatch(/\[linux\] bin\r\n\[bulkhead\] done\r\n$/);
  });

  test("a carriage return alone keeps the name on the line", () => {
    const machine = core0();
    machine.floor.giveKeyboard(LINUX);
    say(machine, LINUX, "10%\r20%\r\n");
    expect(machine.debugConsole.output).toBe("[linux] 10%\r[linux] 20%\r\n");
    say(machine, CLOCK, "10%\r20%\r\r\n");
    expect(machine.debugConsole.output).toMatch(/\[clock\] 10%\r\n\[clock\] 20%\r\n$/);
  });

  test("a line longer than the buffer goes on in a new line", () => {
    const machine = core0();
    say(machine, CLOCK, `${"x".repeat(250)}\n`);
    expect(machine.debugConsole.output).toBe(`[clock] ${"x".repeat(240)}\r\n[clock] ${"x".repeat(10)}\r\n`);
  });

  test("numbers", () => {
    const machine = core0();
    for (const value of [0n, 9n, 10n, 1234567890n, 0xffff_ffff_ffff_ffffn]) {
      machine.floor.printDecimal(value);
      machine.floor.printLine();
    }
    machine.floor.printHex(0xfee0_0abcn, 8);
    machine.floor.printLine();
    machine.floor.printHex(-1n, 16);
    machine.floor.printLine();
    const lines = machine.debugConsole.output.split("\r\n").map((line) => line.replace("[bulkhead] ", ""));
    expect(lines.slice(0, 5)).toEqual(["0", "9", "10", "1234567890", "18446744073709551615"]);
    expect(lines.slice(5, 7)).toEqual(["0xfee00abc", "0xffffffffffffffff"]);
  });
});

describe("consoles", () => {
  test.each([
    [true, true, 3, 3],
    [true, true, 1, 1],
    [true, true, 2, 2],
    [false, true, 3, 2],
    [true, false, 3, 1],
    [false, false, 3, 0],
  ])("debug console %s, UART %s: of %d the mask %d is opened", (withDebugConsole, withUart, wanted, opened) => {
    const machine = new FloorMachine(module, { withDebugConsole, withUart });
    expect(machine.floor.openConsoles(wanted)).toBe(opened);
    machine.printLine("hello");
    const expected = "[bulkhead] hello\r\n";
    expect(machine.debugConsole.output).toBe(opened & 1 ? expected : "");
    expect(machine.uart.output).toBe(opened & 2 ? expected : "");
  });

  test("a UART that stops to take bytes is left out and does not stop the kernel", () => {
    const machine = new FloorMachine(module);
    machine.floor.openConsoles(3);
    machine.printLine("one");
    machine.uart.stuck = true;
    machine.printLine("two, longer than what the FIFO takes");
    machine.printLine("three");
    expect(machine.floor.openedConsoles()).toBe(1);
    expect(machine.debugConsole.output).toContain("[bulkhead] three\r\n");
  });

  test("printing directly reaches consoles that the command line did not choose, with what was gathered", () => {
    const machine = new FloorMachine(module);
    machine.floor.openConsoles(1);
    machine.floor.printDecimal(42n);
    machine.floor.printDirectly();
    machine.printLine("fatal");
    for (const output of [machine.debugConsole.output, machine.uart.output]) {
      expect(output).toBe("\r\n[bulkhead] 42\r\n[bulkhead] fatal\r\n");
    }
  });
});

describe("two cores", () => {
  function twoCores(): { first: FloorMachine; second: FloorMachine } {
    const memory = new PhysicalMemory();
    const second = new FloorMachine(module, { memory, coreId: 1, apicId: 1, x2Apic: true });
    second.floor.enableLocalApic();
    const first = new FloorMachine(module, { memory, x2Apic: true });
    first.floor.enableLocalApic();
    first.floor.openConsoles(1);
    register(first);
    first.floor.createRings(BigInt(RINGS), 2, 0);
    second.floor.attachRings(BigInt(RINGS), 1);
    return { first, second };
  }

  test("lines of the kernel and of partitions on core 1 come out on core 0", () => {
    const { first, second } = twoCores();
    second.printLine("core 1 is up");
    say(second, LINUX, "Linux\n");
    first.printLine("here");
    expect(first.floor.drainRings()).toBe(0);
    expect(first.debugConsole.output).toBe("[bulkhead] here\r\n[bulkhead] core 1 is up\r\n[linux] Linux\r\n");
    expect(second.debugConsole.output).toBe("");
  });

  test("one interrupt for what gathers until core 0 looks", () => {
    const { first, second } = twoCores();
    const mailbox = vector("Mailbox");
    say(second, LINUX, "no line yet");
    expect(second.localApic.commands).toEqual([]);
    say(second, LINUX, "\nmore\nand more\n");
    expect(second.localApic.commands.map(({ apicId, command }) => [apicId, command & 0xff])).toEqual([[0, mailbox]]);
    first.floor.drainRings();
    say(second, LINUX, "again\n");
    expect(second.localApic.commands.length).toBe(2);
  });

  test("the partition with the keyboard is signalled byte by byte", () => {
    const { first, second } = twoCores();
    first.floor.giveKeyboard(LINUX);
    say(second, LINUX, "$");
    expect(second.localApic.commands.length).toBe(1);
    first.floor.drainRings();
    expect(first.debugConsole.output).toBe("[linux] $");
  });

  test("a full ring takes no more and loses nothing", () => {
    const { first, second } = twoCores();
    let taken = 0;
    while (second.floor.putPartitionByte(LINUX, taken % 64 === 63 ? 0x0a : 0x61) === 1) taken++;
    expect(taken).toBe(4096);
    first.floor.drainRings();
    expect(first.debugConsole.output).toBe(`[linux] ${"a".repeat(63)}\r\n`.repeat(64));
    expect(second.floor.putPartitionByte(LINUX, 0x62)).toBe(1);
  });

  test("core 1 cannot speak for the kernel on core 0", () => {
    const { first, second } = twoCores();
    const ring = RINGS + 4096 * (2 + 3);
    say(second, LINUX, "x\n");
    first.memory.write(ring + 0x1000, 2, (16n << 8n) | 0x45n);
    first.floor.drainRings();
    expect(first.debugConsole.output).toBe("[linux] \r\n");
  });

  test("typed bytes reach the partition that has the keyboard, and its core is told", () => {
    const { first, second } = twoCores();
    first.floor.openConsoles(2);
    first.floor.giveKeyboard(LINUX);
    first.uart.input.push(...Buffer.from("ls\r"));
    first.floor.onInputInterrupt();
    expect(first.localApic.commands.map(({ apicId, command }) => [apicId, command & 0xff])).toContainEqual([1, vector("Mailbox")]);
    expect([0, 0, 0, 0].map(() => second.floor.takeInput(LINUX))).toEqual([0x6c, 0x73, 0x0d, NO_INPUT]);
    expect(second.floor.takeInput(CLOCK)).toBe(NO_INPUT);
  });

  test("Ctrl-] gives the keyboard to the next partition and says so", () => {
    const { first, second } = twoCores();
    first.floor.giveKeyboard(LINUX);
    say(second, LINUX, "/ # ");
    first.floor.drainRings();
    first.uart.input.push(CTRL_BRACKET, 0x61);
    first.floor.onInputInterrupt();
    expect(first.debugConsole.output).toBe("[linux] / # \r\n[bulkhead] keyboard: clock\r\n");
    expect(first.floor.takeInput(CLOCK)).toBe(0x61);
    expect(second.floor.takeInput(LINUX)).toBe(NO_INPUT);
    first.uart.input.push(CTRL_BRACKET);
    first.floor.onInputInterrupt();
    expect(first.debugConsole.output).toMatch(/keyboard: linux\r\n\[linux\] \/ # $/);
  });

  test("input that nobody takes is dropped when the ring is full", () => {
    const { first } = twoCores();
    first.floor.giveKeyboard(CLOCK);
    for (let i = 0; i < 5; i++) {
      first.uart.input.push(...Buffer.alloc(60, 0x41 + i));
      first.floor.onInputInterrupt();
    }
    let count = 0;
    while (first.floor.takeInput(CLOCK) !== NO_INPUT) count++;
    expect(count).toBe(128);
  });
});
