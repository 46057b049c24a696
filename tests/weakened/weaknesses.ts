// The protections that can be switched off, each by one change of one text.

import type { Weakness } from "./weaken.ts";

export const openPorts: Weakness = {
  file: "kernel/cpu/vmx/bitmaps.ts",
  text: "  fillOnes(bitmaps, <u64>IO_BITMAP_PAGES * 4096);\n",
  replacement: "",
};

export const openMsrs: Weakness = {
  file: "kernel/cpu/vmx/bitmaps.ts",
  text: "  fillOnes(bitmap, 4096);\n",
  replacement: "",
};

/** The guest has the machine's own interrupt command register in x2APIC mode, IA32_X2APIC_ICR. */
export const openInterruptCommand: Weakness = {
  file: "kernel/cpu/vmx/bitmaps.ts",
  text: "  fillOnes(bitmap, 4096);\n",
  replacement: "  fillOnes(bitmap, 4096);\n  grantWrite(bitmap, 0x830);\n",
};

/** VMX instructions are skipped. */
export const skippedVmxInstructions: Weakness = {
  file: "kernel/cpu/vmx/dispatch.ts",
  text: "  auditInstruction(reason);\n  injectInvalidOpcode();\n",
  replacement: "  auditInstruction(reason);\n  vmwrite(VmcsField.GUEST_RIP, vmread(VmcsField.GUEST_RIP) + vmread(VmcsField.VM_EXIT_INSTRUCTION_LENGTH));\n",
};

/** A partition's triple fault stops the kernel. */
export const fatalTripleFault: Weakness = {
  file: "kernel/cpu/vmx/dispatch.ts",
  text: "return partitionFault(StopReason.TripleFault);",
  replacement: "return fatal(FatalReason.MachineCheck);",
};

/** What a guest's exceptions raise in their own delivery stays in the processor. */
export const noExceptionExits: Weakness = {
  file: "kernel/cpu/vmx/vmcs.ts",
  text: "(1 << Exception.MC) | (1 << Exception.DB) | (1 << Exception.AC)",
  replacement: "1 << Exception.MC",
};

/** The machine's interrupts wait until the guest takes them. */
export const guestTakesInterrupts: Weakness = {
  file: "kernel/cpu/vmx/capability.ts",
  text: "const PIN_REQUIRED: u32 = PinBased.EXTERNAL_INTERRUPT_EXITING | ",
  replacement: "const PIN_REQUIRED: u32 = ",
};

/** Core 0 does not look after the consoles on its own. */
export const noHousekeeping: Weakness = {
  file: "kernel/partition/housekeeping.ts",
  text: "  next = rdtsc() + interval;\n}\n\n/** TSC of the next look. */",
  replacement: "}\n\n/** TSC of the next look. */",
};

/** Behind a partition's own memory its EPT maps the machine's first 128 MiB at their own addresses. */
export const openMemory: Weakness = {
  file: "planner/partition/setup.ts",
  text: "  describeMemory(partition, withApicPage);\n",
  replacement:
    "  const size = partitionMemorySize(partition);\n" +
    "  mapEpt(root, size, size, 0x8000000 - size, EptRight.All, 6, secondLevelLargePages());\n" + // 6: write-back
    "  describeMemory(partition, withApicPage);\n",
};

export const unsealedPartitions: Weakness = {
  file: "kernel/seal/seal.ts",
  text: "    sealEpt(partition, PlanPartition.EptRoot, false);\n    sealEpt(partition, PlanPartition.ApicEptRoot, true);\n",
  replacement: "",
};

/** A write to port 0x99 makes the monitor store far outside its linear memory. */
export const strayMonitor: Weakness = {
  file: "monitor/main.ts",
  text: "  portOut(vcpu, port, size, value);\n}",
  replacement: "  if (port == 0x99) store<u32>(0xf0000000, value);\n  portOut(vcpu, port, size, value);\n}",
};

/** A guest's XSETBV writes XCR0 whatever the value is. */
export const anyExtendedState: Weakness = {
  file: "kernel/partition/exits/xsetbv.ts",
  text: "if (!(value & X87) || (value & ~grantedXcr0())) return false;",
  replacement: "if (!(value & X87)) return false;",
};

/** The interrupt shadow over an instruction that the kernel carries out stays. */
export const keptShadow: Weakness = {
  file: "kernel/cpu/vmx/vcpu.ts",
  text: "  vmwrite(VmcsField.GUEST_INTERRUPTIBILITY, vmread(VmcsField.GUEST_INTERRUPTIBILITY) & ~(Interruptibility.STI | Interruptibility.MOV_SS));\n",
  replacement: "",
};
