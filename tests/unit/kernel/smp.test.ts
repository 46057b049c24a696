// Two vCPUs of one partition, each with a kernel instance of its own: start, interrupts between them, restart and end as one.

import { beforeAll, describe, expect, test } from "vitest";
import { enumReader } from "../machine/source-enums.ts";
import { compileKernel } from "./kernel-machine.ts";
import { TwoCores, vector } from "./two-cores.ts";

const SPURIOUS_VECTOR = 0x80f;
const FIXED = 0x4000;
const NMI = 0x4400;
const INIT = 0x4500;
const STARTUP = 0x4600;
const IF = 0x202n;
const KICK = vector("Kick");
const INTERRUPT_WINDOW = 1n << 2n;
const CONFIG_ADDRESS = 0xcf8n;
const CONFIG_DATA = 0xcfcn;
const DOUBLE_WORD = 3n;
/** Device 3, which the first assigned function is. */
const FUNCTION = 0x8000_1800n;
const capability = enumReader("monitor/devices/pci/register.ts", "Capability");

beforeAll(compileKernel, 240_000);

/** Both vCPUs in the guest with interrupts on and their local APICs enabled. */
async function running(...parameters: Parameters<typeof TwoCores.start>): Promise<TwoCores> {
  const both = await TwoCores.start(...parameters);
  both.startSecond();
  for (const core of [0, 1]) {
    both.cores[core]!.setVmcs({ GUEST_RFLAGS: IF, GUEST_INTERRUPTIBILITY: 0n });
    both.writeMsr(core, 0x1b, core === 0 ? 0xfee0_0d00n : 0xfee0_0c00n);
    both.writeMsr(core, SPURIOUS_VECTOR, 0x1ffn);
  }
  both.forgetInterrupts();
  return both;
}

describe("start", () => {
  test("the second vCPU waits in the kernel, takes a SIPI after an INIT, and starts in real mode at its page", async () => {
    const both = await TwoCores.start(); // its core comes to the partition after that has started
    expect([both.places, both.secondIs("Waiting")]).toEqual([["guest", "idle"], true]);
    both.command(0, STARTUP | 0x12);
    expect(both.deliver(0)).toEqual([KICK]);
    expect([both.places[1], both.secondIs("Running")]).toEqual(["guest", true]);
    expect(["GUEST_CS_SELECTOR", "GUEST_CS_BASE", "GUEST_RIP"].map((name) => both.second.vmcs(name))).toEqual([0x1200n, 0x1_2000n, 0n]);
    expect(both.second.vmcs("GUEST_CR0") & 0x8000_0001n).toBe(0n);
    expect(both.second.bootCalls.at(-1)).toBe("enterGuest");
  });

  test("an INIT takes the second vCPU out of the guest, and a SIPI alone does nothing to one that runs", async () => {
    const both = await running();
    both.second.setVmcs({ GUEST_RIP: 0x7777n });
    both.command(0, STARTUP | 8);
    both.deliver(0);
    expect([both.places[1], both.second.vmcs("GUEST_RIP")]).toEqual(["guest", 0x7777n]);
    both.command(0, INIT);
    both.deliver(0);
    expect([both.places[1], both.secondIs("Waiting")]).toEqual(["idle", true]);
    both.command(0, STARTUP | 9);
    both.deliver(0);
    expect([both.places[1], both.second.vmcs("GUEST_CS_BASE"), both.second.vmcs("GUEST_RIP")]).toEqual(["guest", 0x9000n, 0n]);
  });
});

describe("interrupts between vCPUs", () => {
  test.each([0, 1])("core %i: one kick, and the other's core injects at once", async (from) => {
    const both = await running();
    both.command(from, FIXED | 0x55);
    expect(both.deliver(from)).toEqual([KICK]);
    expect(both.cores[1 - from]!.event).toEqual({ vector: 0x55, type: 0 });
    expect(both.cores[from]!.event).toBeUndefined();
  });

  test("with interrupts off the other's core asks for the window and injects there", async () => {
    const both = await running();
    both.second.setVmcs({ GUEST_RFLAGS: 2n });
    both.command(0, FIXED | 0x55);
    both.deliver(0);
    expect([both.second.event, both.second.vmcs("PRIMARY_CONTROLS") & INTERRUPT_WINDOW]).toEqual([undefined, INTERRUPT_WINDOW]);
    both.second.setVmcs({ GUEST_RFLAGS: IF });
    both.exit(1, "INTERRUPT_WINDOW");
    expect([both.second.event, both.second.vmcs("PRIMARY_CONTROLS") & INTERRUPT_WINDOW]).toEqual([{ vector: 0x55, type: 0 }, 0n]);
  });

  test("a kick that is lost is made up for by the core's next look", async () => {
    const both = await running();
    both.command(0, FIXED | 0x55);
    expect(both.takeInterrupts(0)).toEqual([KICK]);
    for (let look = 0; look < 3 && both.second.event === undefined; look++) {
      for (let steps = 0; steps < 1000; steps++) both.first.clock.advance(); // a hundredth of a second
      both.exit(1, "VMX_PREEMPTION_TIMER");
    }
    expect(both.second.event).toEqual({ vector: 0x55, type: 0 });
  });

  test("an NMI, and none that came before the SIPI", async () => {
    const both = await TwoCores.start();
    both.command(0, NMI);
    both.deliver(0);
    both.startSecond();
    expect(both.second.event).toBeUndefined();
    both.second.setVmcs({ GUEST_INTERRUPTIBILITY: 0n });
    both.command(0, NMI);
    both.deliver(0);
    expect(both.second.event).toEqual({ vector: 2, type: 2 });
  });

  test("to itself: no message on the machine's bus", async () => {
    const both = await running();
    both.writeMsr(1, 0x83f, 0x66n);
    expect([both.second.event, both.takeInterrupts(1)]).toEqual([{ vector: 0x66, type: 0 }, []]);
  });
});

/** The first vCPU's core waits for the second one's: that gets its interrupts now. */
function answerKicks(both: TwoCores): void {
  both.first.processor.onPause = () => void both.deliver(0);
}

describe("restart and end", () => {
  test.each([0, 1])("a triple fault of vCPU %i restarts both: fresh state, and the second waits for its SIPI again", async (failing) => {
    const both = await running({ health: { fault: "restart" } });
    answerKicks(both);
    both.second.setVmcs({ GUEST_RIP: 0x7777n });
    both.second.registers({ r12: 5n });
    both.exit(failing, "TRIPLE_FAULT");
    if (failing === 1) both.deliver(1);
    expect(both.text).toContain("partition guest0 restarts");
    both.deliver(0);
    expect([both.places, both.secondIs("Waiting"), both.status("Wish")]).toEqual([["guest", "idle"], true, 0n]);
    both.startSecond();
    expect([both.second.vmcs("GUEST_RIP"), both.second.register("r12")]).toEqual([0n, 0n]);
  });

  test("both flush what they have translated of the run before", async () => {
    const both = await running({ health: { fault: "restart" } });
    answerKicks(both);
    for (const { processor } of both.cores) processor.vmxCalls.length = 0;
    both.exit(0, "TRIPLE_FAULT");
    both.deliver(0);
    const vpids = both.cores.map((core) => core.vmcs("VIRTUAL_PROCESSOR_ID"));
    expect(new Set(vpids).size).toBe(2);
    for (const core of both.cores) {
      expect(core.processor.vmxCalls).toContainEqual({ name: "invept", operands: [1n, core.vmcs("EPT_POINTER")] });
      expect(core.processor.vmxCalls).toContainEqual({ name: "invvpid", operands: [1n, core.vmcs("VIRTUAL_PROCESSOR_ID"), 0n] });
    }
  });

  test("of two wishes the first one counts, and restarts are counted once", async () => {
    const both = await running({ health: { fault: "restart", restartLimit: 1 } });
    both.exit(1, "TRIPLE_FAULT");
    both.forgetInterrupts();
    both.exit(0, "TRIPLE_FAULT");
    both.deliver(0);
    expect([both.status("Restarts"), both.places[0]]).toEqual([1n, "guest"]);
    expect(both.text).not.toContain("restarted too often");
  });

  test("the second vCPU powers the partition off: both cores leave it", async () => {
    const both = await running({ devices: ["local-apic", "power-management"] });
    both.second.registers({ rax: 0x2000n | (5n << 10n) });
    both.exit(1, "IO_INSTRUCTION", { EXIT_QUALIFICATION: (0x604n << 16n) | 1n });
    expect(both.places[1]).toBe("idle");
    both.deliver(1);
    expect(both.text).toContain("summary: guest0: cores 0, 1, 8 MiB, powered off, restarts 0, violations 0");
    expect(both.status("State")).toBe(2n);
  });

  test("violations and exits of both are in the summary", async () => {
    const both = await running({ health: { port: "ignore", fault: "stop" } });
    answerKicks(both);
    for (const core of [0, 1, 1]) both.exit(core, "IO_INSTRUCTION", { EXIT_QUALIFICATION: 0xf00_0000n });
    for (const core of [0, 1]) both.exit(core, "CPUID");
    both.exit(0, "TRIPLE_FAULT");
    expect(both.text).toContain("triple fault, restarts 0, violations 4");
    expect(both.text).toContain("summary: guest0: exits CPUID 2");
    expect(both.text).toContain("summary: guest0: exits I/O 3");
  });
});

test("both share EPT, bitmaps and monitor, and nothing else of their VMCSs", async () => {
  const both = await running({ hypercalls: ["console-write"] });
  const same = (name: string): boolean => both.first.vmcs(name) === both.second.vmcs(name);
  expect(["EPT_POINTER", "MSR_BITMAP", "IO_BITMAP_A", "IO_BITMAP_B"].map(same)).toEqual([true, true, true, true]);
  expect(["VIRTUAL_PROCESSOR_ID", "HOST_CR3"].map(same)).toEqual([false, false]);
  expect(both.first.processor.vmxCalls.find(({ name }) => name === "vmptrld")).not.toEqual(both.second.processor.vmxCalls.find(({ name }) => name === "vmptrld"));
  for (const letter of "two\n") {
    both.second.registers({ rax: BigInt(letter.charCodeAt(0)) });
    both.exit(1, "IO_INSTRUCTION", { EXIT_QUALIFICATION: 0x3f8n << 16n });
  }
  both.deliver(1);
  expect(both.text).toContain("[guest0] two");
});

describe("an assigned function", () => {
  const BUS_MASTER = 4;
  const port = (both: TwoCores, core: number, number: bigint, value: bigint): void => {
    both.cores[core]!.registers({ rax: value });
    both.exit(core, "IO_INSTRUCTION", { EXIT_QUALIFICATION: (number << 16n) | DOUBLE_WORD });
  };
  const setCommand = (both: TwoCores, core: number, value: bigint): void => {
    port(both, core, CONFIG_ADDRESS, FUNCTION | 4n);
    port(both, core, CONFIG_DATA, value);
  };
  const isMaster = (both: TwoCores): boolean => (both.first.disk.bytes.readUInt16LE(4) & BUS_MASTER) !== 0;

  test("takes bus mastering from either vCPU, each of which knows what the other has applied", async () => {
    const both = await running({ pci: [{ device: "00:04.0" }] });
    const seen = [[1, 6n], [0, 2n], [0, 6n], [1, 2n], [1, 6n]] as const;
    expect(seen.map(([core, value]) => (setCommand(both, core, value), isMaster(both)))).toEqual([true, false, true, false, true]);
  });

  test("is reset once for a reset by the second vCPU", async () => {
    const both = await running({ pci: [{ device: "00:04.0" }] });
    setCommand(both, 0, 6n);
    const before = both.first.disk.resets.length;
    port(both, 1, CONFIG_ADDRESS, FUNCTION | BigInt(capability("AdvancedFeatures") + 4));
    port(both, 1, CONFIG_DATA, 1n); // Initiate FLR
    expect([both.first.disk.resets.length - before, isMaster(both)]).toEqual([1, false]);
    setCommand(both, 0, 6n);
    expect([both.first.disk.resets.length - before, isMaster(both)]).toEqual([1, true]);
  });

  test("is taken back when the second vCPU's fault ends the partition", async () => {
    const both = await running({ pci: [{ device: "00:04.0" }] });
    setCommand(both, 1, 6n);
    both.exit(1, "TRIPLE_FAULT");
    both.deliver(1);
    expect([both.status("State"), isMaster(both)]).toEqual([2n, false]);
  });
});
