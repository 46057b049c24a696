import { beforeAll, describe, expect, test } from "vitest";
import { compileFloor, FloorMachine } from "../machine/floor.ts";

const COM1 = 0x3f8;
const CONSOLE_COM1 = 2;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

function open(): FloorMachine {
  const machine = new FloorMachine(module);
  expect(machine.floor.openConsoles(CONSOLE_COM1)).toBe(CONSOLE_COM1);
  return machine;
}

describe("set-up", () => {
  test("115200 8N1, FIFOs on, interrupts off", () => {
    const { uart } = open();
    expect(uart.divisor).toBe(1);
    expect(uart.registers[3]).toBe(0x03);
    expect(uart.registers[2]! & 1).toBe(1);
    expect(uart.registers[1]).toBe(0);
    // Out of loopback, and the interrupt line not driven yet.
    expect(uart.registers[4]).toBe(0x03);
  });

  test("a bus that echoes what was written is no UART", () => {
    const machine = new FloorMachine(module, { withUart: false });
    let last = 0;
    machine.ports.add(COM1, 8, { read: () => last, write: (_offset, _size, value) => void (last = value) });
    expect(machine.floor.openConsoles(CONSOLE_COM1)).toBe(0);
  });

  test("the receive interrupt needs OUT2", () => {
    const machine = open();
    machine.floor.startInput();
    expect(machine.uart.registers[1]).toBe(1);
    expect(machine.uart.registers[4]! & 8).toBe(8);
  });
});

describe("transmission", () => {
  test("no more than the FIFO holds between two looks at THRE", () => {
    const machine = open();
    machine.printLine("a line that is longer than the sixteen bytes of the FIFO");
    expect(machine.uart.longestBurst).toBe(16);
    expect(machine.uart.output).toContain("sixteen bytes of the FIFO\r\n");
  });

  test("the end of a transmission is waited for, but not for ever", () => {
    const machine = open();
    machine.uart.stuck = true;
    machine.floor.flush();
    machine.uart.stuck = false;
    machine.floor.flush();
  });
});

test("a floating bus gives no input", () => {
  const machine = new FloorMachine(module, { withUart: false });
  machine.floor.giveKeyboard(0);
  machine.floor.onInputInterrupt();
  expect(machine.floor.takeInput(0)).toBe(-1);
});
