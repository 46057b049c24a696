// What the kernel may write to a VMCS once its guest runs: guest state and events; of the controls, windows, IA-32e mode, the time
// offset, the preemption timer, and those that virtualise the local APIC. Host state and all other controls stand still, and
// bitmaps and EPT pointer are the partition's own.

import { readEnum } from "../unit/machine/source-enums.ts";

const names = new Map([...readEnum("kernel/cpu/vmx/field.ts", "VmcsField")].map(([name, encoding]) => [encoding, name]));

const EOI_EXIT_BITMAP0 = 0x201c;
const FREE = /^(GUEST_|VM_ENTRY_(INTERRUPTION_INFORMATION|EXCEPTION_ERROR_CODE|INSTRUCTION_LENGTH)$|CR[04]_READ_SHADOW$|TSC_OFFSET$|VMX_PREEMPTION_TIMER_VALUE$|EOI_EXIT_BITMAP0$)/;
const ANY = (1n << 64n) - 1n;
/** Bits that may change. */
const CHANGEABLE: Record<string, bigint> = {
  PRIMARY_CONTROLS: (1n << 2n) | (1n << 22n) | (7n << 19n), // interrupt-window and NMI-window exiting; CR8 exits and TPR shadow
  SECONDARY_CONTROLS: (1n << 0n) | (1n << 4n) | (3n << 8n), // virtual APIC page, x2APIC mode, registers and interrupt delivery
  VM_ENTRY_CONTROLS: 1n << 9n, // IA-32e mode guest
};

/** Throws at a VMWRITE that must not be; `vmcs`: what the fields hold; `frames`: values that fields with addresses may take, by name. */
export function vmwriteGuard(vmcs: ReadonlyMap<number, bigint>, frames: Readonly<Record<string, readonly bigint[]>> = {}): (field: number, value: bigint) => void {
  const changeable = new Map([...names].map(([encoding, name]) => [encoding, FREE.test(name) ? ANY : (CHANGEABLE[name] ?? 0n)]));
  for (const word of [1, 2, 3]) changeable.set(EOI_EXIT_BITMAP0 + 2 * word, ANY);
  return (field, value) => {
    const allowed = changeable.get(field) ?? 0n;
    if (allowed === ANY) return;
    if (frames[names.get(field) ?? ""]?.includes(value) === true) return;
    const changed = value ^ (vmcs.get(field) ?? 0n);
    if ((changed & ~allowed) !== 0n) throw new Error(`VMWRITE of 0x${value.toString(16)} to ${names.get(field) ?? `field 0x${field.toString(16)}`}, which held 0x${(vmcs.get(field) ?? 0n).toString(16)}`);
  };
}
