// The checks of a VM entry on guest state and on the event to inject, SDM 3C 27.2.1.3 and 27.3.1, written from the manual: what a
// processor would refuse must never be left by the kernel.

import { F, SEGMENTS, SEGMENT_NAMES } from "./fields.ts";

type Vmcs = ReadonlyMap<number, bigint>;

const CS = 1;
const SS = 2;
const LDTR = 6;
const TR = 7;
const UNUSABLE = 1n << 16n;
const IA32E_MODE_GUEST = 1n << 9n;
const CR4_DEFINED = 0x1ff_7fffn; // as far as the simulated processor has any
const PDPTES = [F.pdpte0, F.pdpte1, F.pdpte2, F.pdpte3];
const PDPTE_RESERVED = 0x1e6n | ~0x3fff_ffff_ffffn;
const RFLAGS_RESERVED = ~0x3f_7fd7n & ((1n << 64n) - 1n);

interface Modes {
  cr0: bigint;
  cr4: bigint;
  rflags: bigint;
  long: boolean;
  code64: boolean;
  v86: boolean;
}

/** What the processor would refuse, "" if nothing. */
export function refusal(vmcs: Vmcs): string {
  const modes: Modes = {
    cr0: read(vmcs, F.cr0), cr4: read(vmcs, F.cr4), rflags: read(vmcs, F.rflags), long: (read(vmcs, F.entryControls) & IA32E_MODE_GUEST) !== 0n,
    code64: (read(vmcs, SEGMENTS[CS]!.rights) & (1n << 13n)) !== 0n, v86: (read(vmcs, F.rflags) & (1n << 17n)) !== 0n,
  };
  return execution(vmcs) || control(vmcs, modes) || segments(vmcs, modes) || pointers(vmcs, modes) || blocking(vmcs, modes) || event(vmcs, modes);
}

function read(vmcs: Vmcs, field: number): bigint {
  return vmcs.get(field) ?? 0n;
}

/** 27.2.1.1, of the controls that change. */
function execution(vmcs: Vmcs): string {
  const secondary = read(vmcs, F.secondaryControls);
  const usesShadow = (read(vmcs, F.primaryControls) & (1n << 21n)) !== 0n;
  if (!usesShadow && secondary & 0x310n) return "virtual APIC without TPR shadow";
  if (secondary & 1n && secondary & 0x10n) return "virtual APIC page and x2APIC mode";
  if ((secondary & 0x11n) !== 0n && (secondary & 0x300n) !== 0x300n) return "a virtual APIC by half";
  return "";
}

/** 27.3.1.1. */
function control(vmcs: Vmcs, { cr0, cr4, long, v86, rflags }: Modes): string {
  const efer = read(vmcs, F.efer);
  if ((cr0 & 0x20n) === 0n || cr0 >> 32n) return "CR0.NE is clear, or CR0 has upper bits";
  if (cr0 & (1n << 31n) && !(cr0 & 1n)) return "CR0.PG without PE";
  if (cr0 & ~0xe005_003fn) return "reserved bits of CR0";
  if (!(cr4 & (1n << 13n)) || cr4 & ~CR4_DEFINED) return "bits of CR4 that VMX fixes";
  if (long && (!(cr0 & (1n << 31n)) || !(cr4 & 0x20n))) return "IA-32e mode without paging or PAE";
  if (!long && cr4 & (1n << 17n)) return "CR4.PCIDE outside IA-32e mode";
  if (((efer >> 10n) & 1n) !== (long ? 1n : 0n)) return "EFER.LMA is not what the entry control says";
  if (cr0 & (1n << 31n) && ((efer >> 8n) & 1n) !== ((efer >> 10n) & 1n)) return "EFER.LME differs from LMA while paging is on";
  if (efer & ~0xd01n) return "reserved bits of EFER";
  if (read(vmcs, F.debugctl) & ~0xffffn || read(vmcs, F.dr7) >> 32n) return "reserved bits of IA32_DEBUGCTL or DR7";
  if (!canonical(read(vmcs, F.sysenterEsp)) || !canonical(read(vmcs, F.sysenterEip))) return "SYSENTER addresses";
  if (rflags & RFLAGS_RESERVED || !(rflags & 2n)) return "reserved bits of RFLAGS";
  if (v86 && (long || !(cr0 & 1n))) return "RFLAGS.VM outside protected mode";
  return pageDirectoryPointers(vmcs, cr0, cr4, long);
}

/** 27.3.1.6; with EPT they come from the VMCS. */
function pageDirectoryPointers(vmcs: Vmcs, cr0: bigint, cr4: bigint, long: boolean): string {
  if (!(cr0 & (1n << 31n)) || !(cr4 & 0x20n) || long) return "";
  for (const field of PDPTES) if (read(vmcs, field) & 1n && read(vmcs, field) & PDPTE_RESERVED) return "reserved bits of a PDPTE";
  return "";
}

/** 27.3.1.2, as far as exits could change anything. */
function segments(vmcs: Vmcs, { cr0, v86, long, code64 }: Modes): string {
  const isProtected = (cr0 & 1n) !== 0n;
  for (let index = 0; index < SEGMENTS.length; index++) {
    const { selector, base, limit, rights } = SEGMENTS[index]!;
    const access = read(vmcs, rights);
    const name = SEGMENT_NAMES[index]!;
    if (v86 && index < LDTR && (read(vmcs, base) !== read(vmcs, selector) << 4n || read(vmcs, limit) !== 0xffffn || access !== 0xf3n)) return `${name} in virtual-8086 mode`;
    if (access & UNUSABLE) {
      if (index === CS || index === TR) return `${name} is unusable`;
      continue;
    }
    if (access & ~0x1_f0ffn || !(access & 0x80n)) return `access rights of ${name}`;
    const bytes = read(vmcs, limit);
    if ((bytes & 0xfffn) !== 0xfffn && access & 0x8000n) return `${name} limit and G`;
    if (bytes >> 20n && !(access & 0x8000n)) return `${name} limit without G`;
    if (index < 4 && read(vmcs, base) >> 32n) return `${name} base`;
    if (!canonical(read(vmcs, base))) return `${name} base is not canonical`;
  }
  if (!isProtected && (read(vmcs, SEGMENTS[SS]!.rights) >> 5n) & 3n) return "SS.DPL in real mode";
  if (long && code64 && read(vmcs, SEGMENTS[CS]!.rights) & (1n << 14n)) return "CS.D and CS.L";
  if ((read(vmcs, SEGMENTS[TR]!.rights) & 0xfn) !== 0xbn && (long || (read(vmcs, SEGMENTS[TR]!.rights) & 0xfn) !== 3n)) return "TR type";
  return "";
}

/** 27.3.1.3 and 27.3.1.4. */
function pointers(vmcs: Vmcs, { long, code64, rflags }: Modes): string {
  const rip = read(vmcs, F.rip);
  if (!(long && code64) && rip >> 32n) return `RIP 0x${rip.toString(16)} outside 64-bit mode`;
  if (rip >> 48n !== 0n && rip >> 48n !== 0xffffn) return `RIP 0x${rip.toString(16)}`;
  if (!canonical(read(vmcs, F.gdtrBase)) || !canonical(read(vmcs, F.idtrBase)) || read(vmcs, F.gdtrLimit) >> 16n || read(vmcs, F.idtrLimit) >> 16n) return "GDTR or IDTR";
  const information = read(vmcs, F.event);
  if (information >> 31n && ((information >> 8n) & 7n) === 0n && !(rflags & 0x200n)) return "an interrupt with RFLAGS.IF clear";
  return "";
}

/** 27.3.1.5. */
function blocking(vmcs: Vmcs, { rflags }: Modes): string {
  const [activity, shadow, pending, information] = [read(vmcs, F.activity), read(vmcs, F.interruptibility), read(vmcs, F.pendingDebug), read(vmcs, F.event)];
  const injects = (information & 0x8000_0000n) !== 0n;
  const type = Number((information >> 8n) & 7n);
  if (activity > 1n) return `activity state ${activity}`;
  if (activity === 1n && (read(vmcs, SEGMENTS[SS]!.rights) >> 5n) & 3n) return "HLT state outside CPL 0";
  if (activity === 1n && shadow & 3n) return "HLT state in an interrupt shadow";
  if (activity === 1n && injects && type !== 0 && type !== 2 && !(type === 3 && [1n, 18n].includes(information & 0xffn))) return "an event that HLT state does not take";
  if (shadow & ~0xbn || (shadow & 3n) === 3n) return `interruptibility 0x${shadow.toString(16)}`;
  if (shadow & 1n && !(rflags & 0x200n)) return "blocking by STI with RFLAGS.IF clear";
  if (injects && type === 0 && shadow & 3n) return "an interrupt in a shadow";
  if (injects && type === 2 && shadow & 0xan) return "an NMI while NMIs are blocked, or behind MOV SS";
  if (pending & ~0x500fn) return "reserved bits of pending debug exceptions";
  const steps = (rflags & 0x100n) !== 0n && (read(vmcs, F.debugctl) & 2n) === 0n;
  if ((shadow & 3n || activity === 1n) && ((pending & 0x4000n) !== 0n) !== steps) return "pending single step in a shadow or HLT state";
  return read(vmcs, F.link) === (1n << 64n) - 1n ? "" : "VMCS link pointer";
}

/** 27.2.1.3. */
function event(vmcs: Vmcs, { cr0 }: Modes): string {
  const information = read(vmcs, F.event);
  if (!(information & 0x8000_0000n)) return "";
  const [vector, type] = [Number(information & 0xffn), Number((information >> 8n) & 7n)];
  if (information & 0x7fff_f000n || type === 1 || type === 7) return "reserved bits or types of the event";
  if (type === 2 && vector !== 2) return "an NMI with another vector";
  if (type === 3 && vector > 31) return "an exception above 31";
  const wantsError = type === 3 && (cr0 & 1n) !== 0n && [8, 10, 11, 12, 13, 14, 17].includes(vector);
  if (((information & 0x800n) !== 0n) !== wantsError) return `error code of exception ${vector}`;
  if (wantsError && read(vmcs, F.eventError) & ~0xffffn) return "upper bits of the error code";
  if (type >= 4 && read(vmcs, F.eventLength) > 15n) return "instruction length";
  return "";
}

function canonical(address: bigint): boolean {
  return address >> 47n === 0n || address >> 47n === 0x1ffffn;
}
