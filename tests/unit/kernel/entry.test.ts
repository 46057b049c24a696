// What core 0 has written to the VMCS, to the bitmaps and to the processor when it enters its partition for the first time.

import { beforeAll, describe, expect, test } from "vitest";
import { EntryMode } from "../../../monitor/interface.ts";
import { CORE_BASE, KERNEL_MEMORY } from "../memory/addresses.ts";
import { enumReader, readEnum } from "../machine/source-enums.ts";
import { readProfile } from "./capabilities.ts";
import { compileKernel, KernelMachine, startedKernel } from "./kernel-machine.ts";

const corePage = enumReader("kernel/memory/layout.ts", "CorePage");
const coreData = enumReader("kernel/memory/layout.ts", "CoreData");
const ACCESS_UNUSABLE = 0x1_0000n;

let machine: KernelMachine;
beforeAll(async () => {
  machine = await startedKernel();
}, 240_000);

/** Allowed-0 settings (bits that must be 1) and allowed-1 settings of a control's capability MSR. */
function allowed(msr: string): { mustBeOne: bigint; mayBeOne: bigint } {
  const value = machine.msr(msr);
  return { mustBeOne: value & 0xffff_ffffn, mayBeOne: value >> 32n };
}

const bits = (...numbers: number[]): bigint => numbers.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);

describe("controls", () => {
  test.each([
    ["PIN_BASED_CONTROLS", "IA32_VMX_TRUE_PINBASED_CTLS", bits(0, 3, 5, 6)],
    ["PRIMARY_CONTROLS", "IA32_VMX_TRUE_PROCBASED_CTLS", bits(7, 10, 11, 19, 20, 25, 28, 29, 31)],
    ["SECONDARY_CONTROLS", "IA32_VMX_PROCBASED_CTLS2", bits(1, 3, 5, 6, 7, 12)],
    ["VM_EXIT_CONTROLS", "IA32_VMX_TRUE_EXIT_CTLS", bits(2, 9, 15, 18, 19, 20, 21)],
    ["VM_ENTRY_CONTROLS", "IA32_VMX_TRUE_ENTRY_CTLS", bits(2, 14, 15)],
  ])("%s: what %s asks for and what the kernel needs", (field, msr, needed) => {
    const { mustBeOne, mayBeOne } = allowed(msr);
    const value = machine.vmcs(field);
    expect((value & ~mayBeOne).toString(16)).toBe("0");
    expect((mustBeOne & ~value).toString(16)).toBe("0");
    expect((needed & ~value).toString(16)).toBe("0");
  });

  test("neither window is open, CR3 moves do not exit, the entry is to 32-bit code", () => {
    expect(machine.vmcs("PRIMARY_CONTROLS") & bits(2, 15, 16, 22)).toBe(0n);
    expect(machine.vmcs("VM_ENTRY_CONTROLS") & bits(9)).toBe(0n);
  });

  test("a bit that another processor wants set is set", async () => {
    const profile = readProfile();
    profile.msrs.set("IA32_VMX_TRUE_PINBASED_CTLS", 0x0000_00ff_0000_0096n);
    profile.msrs.set("IA32_VMX_TRUE_ENTRY_CTLS", 0x0003_ffff_0002_11fbn);
    const other = await startedKernel({ profile });
    expect(other.vmcs("PIN_BASED_CONTROLS")).toBe(0xffn);
    expect(other.vmcs("VM_ENTRY_CONTROLS") & 0x2_0000n).toBe(0x2_0000n);
  });

  test("machine checks exit, page faults do not", () => {
    expect(machine.vmcs("EXCEPTION_BITMAP")).toBe(bits(1, 17, 18));
    expect(machine.vmcs("PAGE_FAULT_ERROR_CODE_MASK")).toBe(0n);
    expect(machine.vmcs("PAGE_FAULT_ERROR_CODE_MATCH")).toBe(0n);
  });
});

describe("VMX regions", () => {
  const operandsOf = (name: string): bigint[][] => machine.processor.vmxCalls.filter((call) => call.name === name).map(({ operands }) => operands);

  test("VMXON region and VMCS are different frames that carry the revision of IA32_VMX_BASIC", () => {
    const [[vmxon], [vmcs]] = [operandsOf("vmxon")[0]!, operandsOf("vmptrld")[0]!];
    expect(vmxon).not.toBe(vmcs);
    for (const region of [vmxon!, vmcs!]) {
      expect(region & 0xfffn).toBe(0n);
      expect(machine.memory.read(Number(region), 4)).toBe(0x2bn);
    }
    expect(operandsOf("vmclear")[0]).toEqual([vmcs]);
  });

  test("VMXON comes with the fixed bits of CR0 and CR4 set, and before the first VMPTRLD", () => {
    expect(machine.processor.cr0 & 0x8000_0021n).toBe(0x8000_0021n);
    expect(machine.processor.cr4 & 0x2000n).toBe(0x2000n);
    const names = machine.processor.vmxCalls.map(({ name }) => name);
    expect(names.indexOf("vmxon")).toBe(0);
    expect(names.indexOf("vmclear")).toBeLessThan(names.indexOf("vmptrld"));
  });

  test("translations of an earlier owner are flushed", () => {
    expect(operandsOf("invept")).toContainEqual([1n, machine.vmcs("EPT_POINTER")]);
    expect(operandsOf("invvpid")).toContainEqual([1n, machine.vmcs("VIRTUAL_PROCESSOR_ID"), 0n]);
    expect(machine.vmcs("VIRTUAL_PROCESSOR_ID")).not.toBe(0n);
  });
});

describe("bitmaps", () => {
  /** MSRs whose bit is clear in the part of the bitmap at `offset`. */
  function passed(offset: number, first: number): number[] {
    const part = machine.memory.readBytes(Number(machine.vmcs("MSR_BITMAP")) + offset, 1024);
    return Array.from({ length: 8192 }, (_, bit) => bit).filter((bit) => ((part[bit >> 3]! >> (bit & 7)) & 1) === 0).map((bit) => first + bit);
  }
  const HIGH = [0xc000_0080, 0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084, 0xc000_0100, 0xc000_0101, 0xc000_0102, 0xc000_0103];

  test("exactly the MSRs that entry switches or that the vCPU alone uses pass", () => {
    expect(passed(0x000, 0)).toEqual([0x10, 0x174, 0x175, 0x176, 0x277]);
    expect(passed(0x800, 0)).toEqual([0x174, 0x175, 0x176, 0x277]);
    expect(passed(0x400, 0xc000_0000)).toEqual(HIGH);
    expect(passed(0xc00, 0xc000_0000)).toEqual(HIGH);
  });

  test("without RDTSCP the guest has no IA32_TSC_AUX either", async () => {
    const profile = readProfile();
    profile.msrs.set("IA32_VMX_PROCBASED_CTLS2", 0x0217_7ff7_0000_0000n);
    const other = await startedKernel({ profile });
    expect(other.vmcs("SECONDARY_CONTROLS") & bits(3)).toBe(0n);
    const bitmap = other.memory.readBytes(Number(other.vmcs("MSR_BITMAP")), 4096);
    expect(bitmap[0x400 + (0x103 >> 3)]! & (1 << 3)).not.toBe(0);
  });

  test("every port exits", () => {
    expect(machine.vmcs("IO_BITMAP_B")).toBe(machine.vmcs("IO_BITMAP_A") + 4096n);
    const bitmaps = machine.memory.readBytes(Number(machine.vmcs("IO_BITMAP_A")), 8192);
    expect(bitmaps.every((byte) => byte === 0xff)).toBe(true);
  });
});

describe("host state", () => {
  test("is that of this core", () => {
    const data = CORE_BASE + BigInt(corePage("CoreData")) * 4096n;
    const expected: Record<string, bigint> = {
      HOST_CR0: machine.processor.cr0,
      HOST_CR3: machine.processor.cr3,
      HOST_CR4: machine.processor.cr4,
      HOST_CS_SELECTOR: 8n, HOST_SS_SELECTOR: 16n, HOST_TR_SELECTOR: 24n,
      HOST_DS_SELECTOR: 0n, HOST_ES_SELECTOR: 0n, HOST_FS_SELECTOR: 0n, HOST_GS_SELECTOR: 0n,
      HOST_GS_BASE: KERNEL_MEMORY,
      HOST_TR_BASE: data + BigInt(coreData("Tss")),
      HOST_GDTR_BASE: data + BigInt(coreData("Gdt")),
      HOST_IDTR_BASE: 0xffff_ffff_8025_0000n,
      HOST_IA32_PAT: machine.msr("IA32_PAT"),
      HOST_IA32_EFER: machine.msr("IA32_EFER"),
      HOST_RSP: 0xffff_b000_0000_9000n,
      HOST_RIP: 0xffff_ffff_8020_1000n,
    };
    for (const [name, value] of Object.entries(expected)) expect(machine.vmcs(name), name).toBe(value);
  });

  test("has the sealed tables, loaded before VMXON", () => {
    expect(machine.bootCalls[0]).toBe(`loadPageTables 0x${machine.vmcs("HOST_CR3").toString(16)}`);
    expect(machine.bootCalls.at(-1)).toBe("enterGuest");
  });
});

describe("guest state", () => {
  test("PVH: protected mode without paging, flat segments, RBX the start information", () => {
    expect(machine.vmcs("GUEST_RIP")).toBe(0x10_0000n);
    expect(machine.register("rbx")).toBe(0x9000n);
    expect(machine.vmcs("GUEST_CR0")).toBe(0x31n); // NE is the processor's demand
    expect(machine.vmcs("CR0_READ_SHADOW")).toBe(0x11n);
    expect(machine.vmcs("GUEST_CR4")).toBe(0x2000n);
    expect(machine.vmcs("CR4_READ_SHADOW")).toBe(0n);
    expect(machine.vmcs("GUEST_IA32_EFER")).toBe(0n);
    expect(machine.vmcs("GUEST_CS_ACCESS_RIGHTS")).toBe(0xc09bn);
    for (const segment of ["DS", "ES", "FS", "GS", "SS"]) {
      expect(machine.vmcs(`GUEST_${segment}_ACCESS_RIGHTS`), segment).toBe(0xc093n);
      expect(machine.vmcs(`GUEST_${segment}_LIMIT`), segment).toBe(0xffff_ffffn);
      expect(machine.vmcs(`GUEST_${segment}_BASE`), segment).toBe(0n);
    }
    expect(machine.vmcs("GUEST_LDTR_ACCESS_RIGHTS")).toBe(ACCESS_UNUSABLE);
    expect(machine.vmcs("GUEST_TR_ACCESS_RIGHTS")).toBe(0x8bn);
  });

  test("64-bit entry: long mode on the monitor's tables and GDT, RSI the boot parameters", async () => {
    const long = await startedKernel({
      prepare: (made) => {
        made.entry = { mode: EntryMode.Long64, rip: 0x20_0200n, rsp: 0x8000n, rsi: 0x7000n, cr3: 0x4000n, gdt: 0x6000n };
      },
    });
    const expected: Record<string, bigint> = {
      GUEST_RIP: 0x20_0200n, GUEST_RSP: 0x8000n, GUEST_CR3: 0x4000n, GUEST_GDTR_BASE: 0x6000n, GUEST_GDTR_LIMIT: 0x1fn,
      GUEST_CR0: 0x8000_0031n, CR0_READ_SHADOW: 0x8000_0011n, GUEST_CR4: 0x2020n, CR4_READ_SHADOW: 0x20n, GUEST_IA32_EFER: 0x500n,
      GUEST_CS_SELECTOR: 0x10n, GUEST_SS_SELECTOR: 0x18n, GUEST_CS_ACCESS_RIGHTS: 0xa09bn,
    };
    for (const [name, value] of Object.entries(expected)) expect(long.vmcs(name), name).toBe(value);
    expect(long.register("rsi")).toBe(0x7000n);
    expect(long.vmcs("VM_ENTRY_CONTROLS") & bits(9)).toBe(bits(9));
  });

  test("flags, debug state, PAT and link pointer are those after reset, and no event is pending", () => {
    const expected: Record<string, bigint> = {
      GUEST_RFLAGS: 2n, GUEST_DR7: 0x400n, GUEST_IA32_DEBUGCTL: 0n, GUEST_IA32_PAT: 0x0007_0406_0007_0406n, GUEST_INTERRUPTIBILITY: 0n,
      GUEST_ACTIVITY_STATE: 0n, GUEST_PENDING_DEBUG_EXCEPTIONS: 0n, VMCS_LINK_POINTER: 0xffff_ffff_ffff_ffffn, TSC_OFFSET: 0n,
      VM_ENTRY_INTERRUPTION_INFORMATION: 0n,
    };
    for (const [name, value] of Object.entries(expected)) expect(machine.vmcs(name), name).toBe(value);
  });

  test("nothing of the host is left in what entry does not switch", async () => {
    for (const name of ["IA32_STAR", "IA32_LSTAR", "IA32_CSTAR", "IA32_FMASK", "IA32_KERNEL_GS_BASE", "IA32_TSC_AUX"]) {
      expect(machine.msr(name), name).toBe(0n);
    }
    expect([0, 1, 2, 3].map((number) => machine.processor.debugRegisters.get(number))).toEqual([0n, 0n, 0n, 0n]);
    expect(machine.processor.debugRegisters.get(6)).toBe(0xffff_0ff0n);
    for (const name of ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r15"] as const) expect(machine.register(name), name).toBe(0n);
  });

  test("XCR0 starts as after reset where the kernel runs with XSAVE on", async () => {
    const profile = readProfile();
    const [eax, ebx, ecx, edx] = profile.cpuid.get("0x1")!;
    profile.cpuid.set("0x1", [eax!, ebx!, (ecx! | (1 << 27)) >>> 0, edx!]);
    const other = await startedKernel({ profile, prepare: (made) => { made.processor.xcr0 = 0xe7n; } });
    expect(other.processor.xcr0).toBe(1n);
  });

  test("every field of the guest and host area that the kernel knows was written or is zero by the manual", () => {
    // The interrupt status exists with virtual-interrupt delivery only, and is written before the first entry with it.
    const unwritten = [...readEnum("kernel/cpu/vmx/field.ts", "VmcsField")].filter(([, number]) => !machine.processor.vmcs.has(number)).map(([name]) => name);
    const isState = (name: string): boolean => /^(GUEST|HOST)_/.test(name) && !/PDPTE|GUEST_(PHYSICAL|LINEAR)_ADDRESS|GUEST_INTERRUPT_STATUS/.test(name);
    expect(unwritten.filter(isState)).toEqual([]);
  });
});

test("memory that held something before is cleared before the partition has it", async () => {
  const garbage = Buffer.alloc(64, 0xa5);
  const base = 0x80_0000;
  const fresh = new KernelMachine(await compileKernel(), { prepare: (made) => made.memory.writeBytes(base + 0x12_3450, garbage) });
  expect(fresh.boot()).toBe("enterGuest");
  expect(fresh.lines.join("\n")).toContain(`at 0x${base.toString(16).padStart(12, "0")}`);
  expect(fresh.memory.readBytes(base + 0x12_3450, 64).every((byte) => byte === 0)).toBe(true);
});
