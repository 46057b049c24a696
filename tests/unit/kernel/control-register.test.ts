// Exits for control registers: what the guest sees of CR0, CR4 and CR8, and what it may not have.

import { beforeEach, describe, expect, test } from "vitest";
import { readProfile } from "./capabilities.ts";
import { KernelMachine, REGISTERS, startedKernel, type RegisterName } from "./kernel-machine.ts";

const PE = 1n << 0n;
const TS = 1n << 3n;
const ET = 1n << 4n;
const NE = 1n << 5n;
const WP = 1n << 16n;
const NW = 1n << 29n;
const CD = 1n << 30n;
const PG = 1n << 31n;
const PAE = 1n << 5n;
const VMXE = 1n << 13n;
const LME = 1n << 8n;
const LMA = 1n << 10n;
const IA32E_MODE_GUEST = 1n << 9n;
const CS_L = 1n << 13n;

const GENERAL_PROTECTION = { vector: 13, type: 3, errorCode: 0n };
const enum Access { MovTo = 0, MovFrom = 1, Clts = 2, Lmsw = 3 }

let machine: KernelMachine;
beforeEach(async () => {
  machine = await startedKernel();
  machine.setVmcs({ GUEST_RIP: 0x1000n });
}, 240_000);

function access(register: number, type: Access, operand: RegisterName = "rax", word = 0n): void {
  const qualification = BigInt(register | (type << 4) | (REGISTERS.indexOf(operand) << 8)) | (word << 16n);
  machine.exit("CONTROL_REGISTER_ACCESS", { EXIT_QUALIFICATION: qualification, VM_EXIT_INSTRUCTION_LENGTH: 3n });
}

function moveTo(register: number, value: bigint, operand: RegisterName = "rax"): void {
  machine.registers({ [operand]: value });
  access(register, Access.MovTo, operand);
}

function expectDone(): void {
  expect(machine.event).toBeUndefined();
  expect(machine.vmcs("GUEST_RIP")).toBe(0x1003n);
}

/** #GP(0), and neither CR0 nor CR4 nor EFER has changed. */
function expectRefused(write: () => void): void {
  const state = (): bigint[] => ["GUEST_CR0", "CR0_READ_SHADOW", "GUEST_CR4", "CR4_READ_SHADOW", "GUEST_IA32_EFER", "VM_ENTRY_CONTROLS"].map((name) => machine.vmcs(name));
  const before = state();
  write();
  expect(machine.event).toEqual(GENERAL_PROTECTION);
  expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
  expect(state()).toEqual(before);
}

describe("masks", () => {
  test("NE and cache control are the kernel's; PG, PE, TS and WP move without an exit", () => {
    const mask = machine.vmcs("CR0_GUEST_HOST_MASK");
    expect(mask & (NE | NW | CD)).toBe(NE | NW | CD);
    expect(mask & (PG | PE | TS | WP)).toBe(0n);
  });

  test("CR4: a feature of a processor to come is withheld unless it is offered", async () => {
    const profile = readProfile();
    profile.msrs.set("IA32_VMX_CR4_FIXED1", (1n << 64n) - 1n);
    const mask = (await startedKernel({ profile })).vmcs("CR4_GUEST_HOST_MASK");
    expect(mask).toBe(((1n << 64n) - 1n) & ~0x37_0fffn);
  });

  test("CR4: what the processor lacks and what is not virtualised", () => {
    const mask = machine.vmcs("CR4_GUEST_HOST_MASK");
    for (const bit of [11, 12, 13, 14, 19, 22, 23, 24, 31, 63]) expect((mask >> BigInt(bit)) & 1n, `bit ${bit}`).toBe(1n);
    for (const bit of [0, 5, 7, 9, 16, 17, 18, 20, 21]) expect((mask >> BigInt(bit)) & 1n, `bit ${bit}`).toBe(0n);
  });
});

describe("MOV to CR0", () => {
  test("NE can be cleared as far as the guest sees, and stays 1", () => {
    moveTo(0, PE | ET | WP | NE);
    expect(machine.vmcs("CR0_READ_SHADOW") & NE).toBe(NE);
    machine.setVmcs({ GUEST_RIP: 0x1000n });
    moveTo(0, PE | ET | WP);
    expectDone();
    expect(machine.vmcs("CR0_READ_SHADOW")).toBe(PE | ET | WP);
    expect(machine.vmcs("GUEST_CR0")).toBe(PE | ET | WP | NE);
  });

  test("cache control is shadowed and never reaches the processor", () => {
    moveTo(0, PE | CD | NW);
    expectDone();
    expect(machine.vmcs("CR0_READ_SHADOW") & (CD | NW)).toBe(CD | NW);
    expect(machine.vmcs("GUEST_CR0") & (CD | NW)).toBe(0n);
  });

  test("the operand may be any register, RSP included", () => {
    moveTo(0, PE | TS, "r11");
    expect(machine.vmcs("GUEST_CR0") & TS).toBe(TS);
    moveTo(0, PE, "rsp");
    expect(machine.vmcs("GUEST_CR0") & TS).toBe(0n);
  });

  test("reserved bits of the low half are ignored, ET stays 1", () => {
    moveTo(0, PE | (1n << 7n) | (1n << 19n));
    expectDone();
    expect(machine.vmcs("GUEST_CR0")).toBe(PE | ET | NE);
  });

  test("what the processor refuses is #GP(0)", () => {
    expectRefused(() => moveTo(0, PE | (1n << 32n)));
    expectRefused(() => moveTo(0, PG | CD));
    expectRefused(() => moveTo(0, PE | NW));
  });
});

describe("paging switched by a MOV to CR0 that exits", () => {
  test("on with EFER.LME and CR4.PAE: long mode", () => {
    machine.setVmcs({ GUEST_IA32_EFER: LME, GUEST_CR4: VMXE | PAE });
    moveTo(0, PG | PE | NE);
    expectDone();
    expect(machine.vmcs("GUEST_IA32_EFER")).toBe(LME | LMA);
    expect(machine.vmcs("VM_ENTRY_CONTROLS") & IA32E_MODE_GUEST).toBe(IA32E_MODE_GUEST);
    expect(machine.vmcs("GUEST_CR0") & PG).toBe(PG);
  });

  test("on with EFER.LME but without PAE, or from code with CS.L: #GP", () => {
    machine.setVmcs({ GUEST_IA32_EFER: LME, GUEST_CR4: VMXE });
    expectRefused(() => moveTo(0, PG | PE | NE));
    machine.setVmcs({ GUEST_CR4: VMXE | PAE, GUEST_CS_ACCESS_RIGHTS: 0x809bn | CS_L });
    expectRefused(() => moveTo(0, PG | PE | NE));
  });

  test("on without LME: 32-bit paging leaves EFER alone", () => {
    moveTo(0, PG | PE | NE);
    expectDone();
    expect(machine.vmcs("GUEST_IA32_EFER")).toBe(0n);
    expect(machine.vmcs("VM_ENTRY_CONTROLS") & IA32E_MODE_GUEST).toBe(0n);
  });

  test("off from compatibility mode leaves long mode, from 64-bit code it is #GP", () => {
    const long = { GUEST_IA32_EFER: LME | LMA, GUEST_CR4: VMXE | PAE, GUEST_CR0: PG | PE | ET | NE, CR0_READ_SHADOW: PG | PE | ET | NE };
    machine.setVmcs({ ...long, VM_ENTRY_CONTROLS: machine.vmcs("VM_ENTRY_CONTROLS") | IA32E_MODE_GUEST, GUEST_CS_ACCESS_RIGHTS: 0xa09bn });
    expectRefused(() => moveTo(0, PE));
    machine.setVmcs({ GUEST_CS_ACCESS_RIGHTS: 0xc09bn });
    moveTo(0, PE);
    expectDone();
    expect(machine.vmcs("GUEST_IA32_EFER")).toBe(LME);
    expect(machine.vmcs("VM_ENTRY_CONTROLS") & IA32E_MODE_GUEST).toBe(0n);
  });

  test("drops the translations of before, which the VPID would keep; another change does not", () => {
    const flushes = (): bigint[][] => machine.processor.vmxCalls.filter((call) => call.name === "invvpid").map(({ operands }) => operands);
    const before = flushes().length;
    for (const value of [PE | TS, PG | PE, PG | PE | WP, PE]) moveTo(0, value);
    const flush = [1n, machine.vmcs("VIRTUAL_PROCESSOR_ID"), 0n];
    expect(flushes().slice(before)).toEqual([flush, flush]);
  });

  test("off while CR4.PCIDE is set: #GP", () => {
    machine.setVmcs({ GUEST_IA32_EFER: LME | LMA, GUEST_CR4: VMXE | PAE | (1n << 17n), GUEST_CR0: PG | PE | ET | NE, CR0_READ_SHADOW: PG | PE | ET | NE });
    machine.setVmcs({ GUEST_CS_ACCESS_RIGHTS: 0xc09bn });
    expectRefused(() => moveTo(0, PE));
  });
});

describe("PAE paging", () => {
  const memoryBase = (): number => Number(/MiB at (0x[0-9a-f]+)/.exec(machine.lines.join("\n"))![1]!);
  beforeEach(() => machine.setVmcs({ GUEST_CR4: VMXE | PAE }));

  function paging(cr3: bigint): void {
    machine.setVmcs({ GUEST_CR3: cr3 });
    moveTo(0, PG | PE | NE);
  }

  test("takes the page-directory pointers from the guest's memory", () => {
    const entries = [0x1001n, 0x2001n, 0n, 0x4001n];
    entries.forEach((entry, i) => machine.memory.write(memoryBase() + 0x3020 + 8 * i, 8, entry));
    paging(0x3020n);
    expectDone();
    expect([0, 1, 2, 3].map((i) => machine.vmcs(`GUEST_PDPTE${i}`))).toEqual(entries);
  });

  test("reserved bits in a present pointer are #GP", () => {
    machine.memory.write(memoryBase() + 0x3008, 8, 0x2003n);
    expectRefused(() => paging(0x3000n));
  });

  test("a pointer beyond the processor's physical addresses is #GP", () => {
    machine.memory.write(memoryBase() + 0x3000, 8, (1n << 40n) | 1n);
    expectRefused(() => paging(0x3000n));
    machine.memory.write(memoryBase() + 0x3000, 8, (1n << 39n) | 1n);
    paging(0x3000n);
    expectDone();
  });

  test("a table outside the partition's memory is #GP: the kernel reads nothing there", () => {
    expectRefused(() => paging(0x40_0000n));
    expectRefused(() => paging(0xffff_ffe0n));
  });
});

describe("LMSW and CLTS", () => {
  test("LMSW changes PE, MP, EM and TS only, and cannot clear PE", () => {
    machine.setVmcs({ GUEST_CR0: PE | ET | NE | WP, CR0_READ_SHADOW: PE | ET });
    access(0, Access.Lmsw, "rax", 0xfff8n);
    expectDone();
    expect(machine.vmcs("GUEST_CR0")).toBe(PE | ET | NE | WP | TS);
    expect(machine.vmcs("CR0_READ_SHADOW")).toBe(PE | ET | WP | TS);
  });

  test("CLTS clears TS", () => {
    machine.setVmcs({ GUEST_CR0: PE | ET | NE | TS, CR0_READ_SHADOW: PE | ET | TS });
    access(0, Access.Clts);
    expectDone();
    expect(machine.vmcs("GUEST_CR0") & TS).toBe(0n);
    expect(machine.vmcs("CR0_READ_SHADOW") & TS).toBe(0n);
  });
});

describe("MOV to CR4", () => {
  test.each([["VMXE", 13], ["SMXE", 14], ["LA57", 12], ["PKE", 22], ["CET", 23], ["UMIP, which this processor lacks", 11], ["bit 31", 31], ["bit 40", 40]])("%s is reserved for the guest", (_name, bit) => {
    expectRefused(() => moveTo(4, PAE | (1n << BigInt(bit))));
  });

  test("MCE, which CPUID shows, moves without an exit", () => expect(machine.vmcs("CR4_GUEST_HOST_MASK") & (1n << 6n)).toBe(0n));

  test("VMXE stays set behind the shadow", () => {
    moveTo(4, PAE | (1n << 18n));
    expectDone();
    expect(machine.vmcs("CR4_READ_SHADOW")).toBe(PAE | (1n << 18n));
    expect(machine.vmcs("GUEST_CR4")).toBe(PAE | (1n << 18n) | VMXE);
  });
});

describe("CR8", () => {
  test("is the task priority of the virtual local APIC", () => {
    machine.answer("taskPriorityWrite", () => undefined);
    machine.answer("taskPriorityRead", () => 9);
    moveTo(8, 5n, "rdx");
    expectDone();
    expect(machine.monitorCalls("taskPriorityWrite")).toEqual([[0, 5]]);
    access(8, Access.MovFrom, "r15");
    expect(machine.register("r15")).toBe(9n);
    access(8, Access.MovFrom, "rsp");
    expect(machine.vmcs("GUEST_RSP")).toBe(9n);
  });

  test("has four bits", () => {
    expectRefused(() => moveTo(8, 0x10n));
    expect(machine.monitorCalls("taskPriorityWrite")).toEqual([]);
  });
});
