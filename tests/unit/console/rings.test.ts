import { beforeAll, describe, expect, test } from "vitest";
import { CLOCK, LINUX, RINGS, say, twoCores } from "./cores.ts";
import { compileFloor, type FloorMachine } from "../machine/floor.ts";
import { enumReader } from "../machine/source-enums.ts";

const vector = enumReader("drivers/vectors.ts", "HostVector");
const NO_INPUT = -1;
const CTRL_BRACKET = 0x1d;
const CONSOLE_E9 = 1;
const CONSOLE_COM1 = 2;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

describe("two cores", () => {
  test("lines of the kernel and of partitions on core 1 come out on core 0", () => {
    const { first, second } = twoCores(module, CONSOLE_E9);
    second.printLine("core 1 is up");
    say(second, LINUX, "Linux\n");
    first.printLine("here");
    first.floor.drainRings();
    expect(first.localApic.commands).toEqual([]);
    expect(first.debugConsole.output).toBe("[bulkhead] here\r\n[bulkhead] core 1 is up\r\n[linux] Linux\r\n");
    expect(second.debugConsole.output).toBe("");
  });

  test("one interrupt for what gathers until core 0 looks", () => {
    const { first, second } = twoCores(module, CONSOLE_E9);
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
    const { first, second } = twoCores(module, CONSOLE_E9);
    first.floor.giveKeyboard(LINUX);
    say(second, LINUX, "$");
    expect(second.localApic.commands.length).toBe(1);
    first.floor.drainRings();
    expect(first.debugConsole.output).toBe("[linux] $");
  });

  test("a full ring takes no more and loses nothing", () => {
    const { first, second } = twoCores(module, CONSOLE_E9);
    let taken = 0;
    while (second.floor.putPartitionByte(LINUX, taken % 64 === 63 ? 0x0a : 0x61) === 1) taken++;
    expect(taken).toBe(4096);
    first.floor.drainRings();
    expect(first.debugConsole.output).toBe(`[linux] ${"a".repeat(63)}\r\n`.repeat(64));
    expect(second.floor.putPartitionByte(LINUX, 0x62)).toBe(1);
  });

  test("a kernel line that finds no room in time is counted, and core 0 says so", () => {
    const { first, second } = twoCores(module, CONSOLE_E9);
    while (second.floor.putPartitionByte(LINUX, 0x61) === 1);
    second.printLine("lost");
    first.floor.drainRings();
    expect(first.debugConsole.output).toContain("[bulkhead] core 1: the console was too slow, lines lost: 1\r\n");
    second.printLine("kept");
    first.floor.drainRings();
    expect(first.debugConsole.output).toMatch(/\[bulkhead\] kept\r\n$/);
  }, 20_000);

  test("core 1 cannot speak for the kernel on core 0", () => {
    const { first, second } = twoCores(module, CONSOLE_E9);
    const ring = RINGS + 4096 * (2 + 3);
    say(second, LINUX, "x\n");
    first.memory.write(ring + 0x1000, 2, (16n << 8n) | 0x45n);
    first.floor.drainRings();
    expect(first.debugConsole.output).toBe("[linux] \r\n");
  });

  test("typed bytes reach the partition that has the keyboard, and its core is told", () => {
    const { first, second } = twoCores(module, CONSOLE_E9);
    first.floor.openConsoles(2);
    first.floor.startInput();
    first.floor.giveKeyboard(LINUX);
    first.uart.input.push(...Buffer.from("ls\r"));
    first.floor.onInputInterrupt();
    expect(first.localApic.commands.map(({ apicId, command }) => [apicId, command & 0xff])).toContainEqual([1, vector("Mailbox")]);
    expect([0, 0, 0, 0].map(() => second.floor.takeInput(LINUX))).toEqual([0x6c, 0x73, 0x0d, NO_INPUT]);
    expect(second.floor.takeInput(CLOCK)).toBe(NO_INPUT);
  });

  test("Ctrl-] gives the keyboard to the next partition and says so", () => {
    const { first, second } = twoCores(module, CONSOLE_E9);
    first.floor.startInput();
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
    const { first } = twoCores(module, CONSOLE_E9);
    first.floor.startInput();
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

describe("a slow COM1", () => {
  function slowMachine(): { first: FloorMachine; second: FloorMachine } {
    const cores = twoCores(module, CONSOLE_COM1);
    cores.first.floor.startInput();
    cores.first.uart.slow = true;
    return cores;
  }

  /** Lets the UART send and interrupt until it has no more to do. */
  function sendAll(machine: FloorMachine): number {
    let interrupts = 0;
    for (; interrupts < 10_000; interrupts++) {
      machine.uart.transmit();
      if (!machine.uart.interrupts) return interrupts;
      machine.floor.onInputInterrupt();
      expect(machine.uart.interrupts).toBe(false);
    }
    return interrupts;
  }

  test("takes what its FIFO holds and the rest by interrupts, while core 0 goes on", () => {
    const { first } = slowMachine();
    const before = first.clock.now;
    first.printLine("x".repeat(150));
    expect(first.uart.output.length).toBe(16);
    expect(Number(first.clock.now - before) / Number(first.clock.step)).toBeLessThan(600);
    expect(sendAll(first)).toBeGreaterThan(8);
    expect(first.uart.output).toBe(`[bulkhead] ${"x".repeat(150)}\r\n`);
    expect(first.uart.longestBurst).toBe(16);
    // Nothing waits: the transmitter must not interrupt any more.
    expect(first.uart.registers[1]).toBe(1);
  });

  test("holds back a talkative partition and loses nothing of what it says", () => {
    const { first, second } = slowMachine();
    const line = `${"y".repeat(70)}\n`;
    let said = 0;
    for (let round = 0; round < 300; round++) {
      for (const byte of Buffer.from(line)) {
        while (second.floor.putPartitionByte(LINUX, byte) === 0) {
          first.floor.drainRings();
          first.uart.transmit();
          first.floor.onInputInterrupt();
        }
      }
      said++;
    }
    first.floor.drainRings();
    sendAll(first);
    expect(first.uart.output).toBe(`[linux] ${"y".repeat(70)}\r\n`.repeat(said));
  });

  test("typed bytes are taken in the same interrupt as the empty transmitter", () => {
    const { first } = slowMachine();
    first.floor.giveKeyboard(CLOCK);
    first.printLine("z".repeat(40));
    first.uart.input.push(0x61);
    first.uart.transmit();
    first.floor.onInputInterrupt();
    expect(first.uart.interrupts).toBe(false);
    expect(first.floor.takeInput(CLOCK)).toBe(0x61);
    expect(first.uart.output.length).toBe(32);
  });

  test("is waited for at the end of the system, so that nothing is lost", () => {
    const { first, second } = slowMachine();
    for (let i = 0; i < 60; i++) say(second, LINUX, `line ${i} ${"w".repeat(50)}\n`);
    first.printLine("q".repeat(150));
    first.uart.slow = false;
    first.uart.transmit();
    first.floor.drainCompletely();
    expect(first.uart.output.match(/\[linux\] line \d+ w{50}\r\n/g)?.length).toBe(60);
  });

  test("a fatal report comes after what waited, without interrupts", () => {
    const { first } = slowMachine();
    first.printLine("before");
    first.uart.slow = false;
    first.uart.transmit();
    first.floor.printDirectly();
    first.printLine("fatal");
    expect(first.uart.output).toBe("[bulkhead] before\r\n\r\n[bulkhead] fatal\r\n");
  });
});
