import { beforeAll, describe, expect, test } from "vitest";
import { KERNEL_MEMORY, KERNEL_MEMORY_PAGES, MONITOR_MEMORY, MONITOR_MEMORY_PAGES } from "../memory/addresses.ts";
import { encodeBootInformation, PC_MEMORY_MAP } from "../machine/boot-information.ts";
import { compileFloor, FloorMachine } from "../machine/floor.ts";
import { Stopped } from "../machine/machine.ts";
import { readTexts } from "../../../scripts/build/texts.ts";
import { enumReader, readEnum } from "../machine/source-enums.ts";

const reason = enumReader("kernel/boot/fatal.ts", "FatalReason");
const fixed = enumReader("kernel/memory/layout.ts", "Fixed");
const coreStatus = enumReader("kernel/boot/cores.ts", "CoreStatus");

/** Fields of TrapFrame in order. */
const FIELDS = [
  ...["cr3", "cr2", "rax", "rcx", "rdx", "rbx", "handlerRsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"],
  ...["vector", "error", "rip", "cs", "rflags", "rsp", "ss"],
];
const TEXT = 0xffff_ffff_8020_1100n;
const INFORMATION = 0x1_0000;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

function report(values: Record<string, bigint>, coreId = 1): { machine: FloorMachine; lines: string[] } {
  const machine = new FloorMachine(module, { coreId });
  machine.writeSymbols(new Map([[TEXT, "kernel/partition/exit/handleCpuid"]]));
  // Code at the place of the trap: UD2 and TEST AL, 3 for a division by zero.
  machine.memory.writeBytes(0x20_1100, Uint8Array.from([0x0f, 0x0b, 0xa8, 3]));
  FIELDS.forEach((field, i) => machine.view.setBigUint64(fixed("TrapFrame") + 8 * i, values[field] ?? 0n, true));
  expect(() => machine.floor.reportTrap()).toThrow(Stopped);
  expect(machine.bootCalls.at(-1)).toBe("halt");
  expect(machine.uart.output).toBe(machine.debugConsole.output);
  return { machine, lines: machine.debugConsole.output.split("\r\n").map((line) => line.replace("[bulkhead] ", "").trim()) };
}

describe("report of an exception", () => {
  test("names core, reason, exception, function and registers on every console", () => {
    const { lines } = report({ vector: 13n, error: 0x18n, rip: TEXT, rax: 0x1122_3344_5566_7788n, rbx: 7n, cr3: 0x5000n });
    expect(lines).toContain(`fatal ${reason("Trap")} on core 1: exception in the kernel`);
    expect(lines).toContain("#GP general protection, vector 13, error code 0x0018");
    expect(lines).toContain("in kernel/partition/exit/handleCpuid at 0xffffffff80201100");
    expect(lines.join("\n")).toMatch(/rax 0x1122334455667788 rbx 0x0000000000000007/);
    expect(lines.join("\n")).toMatch(/cr3 0x0000000000005000/);
  });

  test.each([
    [KERNEL_MEMORY + KERNEL_MEMORY_PAGES * 4096n, 2n, "write at 0xffff900000100000, not mapped: guard of the kernel's linear memory, offset 0x000100000"],
    [KERNEL_MEMORY + 0x1_ffff_fff8n, 0n, "read at 0xffff9001fffffff8, not mapped: guard of the kernel's linear memory, offset 0x1fffffff8"],
    [MONITOR_MEMORY + MONITOR_MEMORY_PAGES * 4096n, 0n, "read at 0xffffa00000040000, not mapped: guard of the monitor's linear memory, offset 0x000040000"],
    [KERNEL_MEMORY + 8n, 3n, "write at 0xffff900000000008, not permitted"],
    [0x1000n, 0x10n, "execute at 0x0000000000001000, not mapped"],
    [0x1000n, 9n, "read at 0x0000000000001000, reserved bit set in a table"],
  ])("a page fault at 0x%x tells whether it lies in a guard", (cr2, error, expected) => {
    expect(report({ vector: 14n, error, rip: TEXT, cr2 }).lines).toContain(expected);
  });

  test("an UD2 of wasm code tells why", () => {
    expect(report({ vector: 6n, rip: TEXT }).lines).toContain("wasm trap: division by zero");
    expect(report({ vector: 6n, rip: 0x1234n }).lines.join("\n")).not.toContain("wasm trap");
  });

  test("code without a name", () => {
    expect(report({ vector: 0n, rip: 0x42n }).lines).toContain("in code without a name at 0x0000000000000042");
  });
});

describe("fatal reasons", () => {
  test("each has a number and a text of its own", () => {
    const members = readEnum("kernel/boot/fatal.ts", "FatalReason");
    expect(new Set(members.values()).size).toBe(members.size);
    const texts = readTexts().get("FatalReason");
    expect(new Set(texts?.values()).size).toBe(members.size);
    for (const [name, number] of [...members, ["a retired one", 16] as const]) {
      const machine = new FloorMachine(module);
      expect(() => machine.floor.fatal(number)).toThrow(Stopped);
      expect(machine.debugConsole.output, name).toContain(`fatal ${number} on core 0: ${texts?.get(number) ?? "unknown number 16"}\r\n`);
    }
  });
});

const PLAN = 0x90_0000n;

describe("starting a core", () => {
  function started(answers: boolean[]): { machine: FloorMachine; result: number } {
    const machine = new FloorMachine(module);
    machine.coreStarts = answers;
    machine.floor.enableLocalApic();
    machine.floor.parseMadt(0);
    machine.floor.setTscFrequency(2_000_000_000n);
    machine.memory.writeBytes(INFORMATION, encodeBootInformation({ memoryMap: PC_MEMORY_MAP }));
    machine.floor.parse(BigInt(INFORMATION));
    machine.floor.initialiseFrames();
    return { machine, result: machine.floor.startCore(0, 0x7000n, PLAN) };
  }

  test("INIT, one SIPI to the trampoline, and a second one only if there was no answer", () => {
    const quick = started([true]);
    expect(quick.result).toBe(coreStatus("Started"));
    expect(quick.machine.bootCalls).toEqual(["startCore 0x7000"]);
    expect(quick.machine.localApic.commands.map(({ command }) => command)).toEqual([0xc500, 0x4608]);
    const slow = started([false, false, false, false, false, true]);
    expect(slow.result).toBe(coreStatus("Started"));
    expect(slow.machine.localApic.commands.map(({ command }) => command)).toEqual([0xc500, 0x4608, 0x4608]);
  });

  test("a core that stays silent is given up after about a second", () => {
    const { machine, result } = started([false]);
    expect(result).toBe(coreStatus("NoAnswer"));
    const seconds = Number(machine.clock.now - 123_456_789n) / 2e9;
    expect(seconds).toBeGreaterThan(1);
    expect(seconds).toBeLessThan(2);
  }, 20_000);
});
