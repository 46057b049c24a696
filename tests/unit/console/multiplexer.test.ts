import { beforeAll, describe, expect, test } from "vitest";
import { CLOCK, LINUX, register, say } from "./cores.ts";
import { compileFloor, FloorMachine } from "../machine/floor.ts";

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

function core0(): FloorMachine {
  const machine = new FloorMachine(module);
  machine.floor.openConsoles(1);
  register(machine);
  return machine;
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
    machine.uart.stuck = false;
    machine.printLine("three");
    expect(machine.uart.output).not.toContain("three");
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
