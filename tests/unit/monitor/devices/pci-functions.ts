// Assigned PCI functions as the kernel describes them to a monitor, and configuration accesses of the guest.

import { FunctionMailbox, Mailbox } from "../../../../monitor/interface.ts";
import { type MonitorOptions, type SimulatedPartition, startPartition } from "../harness.ts";

export interface Bar {
  address: bigint;
  /** Bytes. */
  size: bigint;
  /** Low bits as in hardware. */
  flags?: number;
}

export interface PciFunction {
  identity?: number;
  classRevision?: number;
  subsystem?: number;
  /** By number. */
  bars?: Record<number, Bar>;
  /** Entries, then offset | BIR of table and of pending bits. */
  msix?: { count: number; table: number; pending: number };
  msi?: boolean;
  canReset?: boolean;
}

/** Memory BAR 0 of 16 KiB with the MSI-X table at 0x2000 and its pending bits at 0x3000. */
export const TABLE_BAR: Bar = { address: 0xc000_0000n, size: 0x4000n };
export const TABLE = 0xc000_2000n;
export const PENDING = 0xc000_3000n;
export const MSIX = { count: 16, table: 0x2000, pending: 0x3000 };

const APIC = 0xfee0_0000n;

/** Device number of the first assigned function. */
export const FIRST_ASSIGNED = 3;

export const COMMAND = 0x04;
export const MEMORY_SPACE = 1 << 1;

function recordOffset(index: number, field: number): number {
  return Mailbox.Functions + index * FunctionMailbox.Size + field;
}

/** A field that the monitor writes for the kernel. */
export function functionField(partition: SimulatedPartition, index: number, field: FunctionMailbox): number {
  return partition.peek32(recordOffset(index, field));
}

function describeFunction(partition: SimulatedPartition, index: number, description: PciFunction): void {
  const poke = (field: number, value: number): void => partition.poke32(recordOffset(index, field), value);
  poke(FunctionMailbox.Identity, description.identity ?? 0x10d3_8086);
  poke(FunctionMailbox.ClassRevision, description.classRevision ?? 0x0200_0003);
  poke(FunctionMailbox.Subsystem, description.subsystem ?? 0);
  for (const [number, bar] of Object.entries(description.bars ?? {})) {
    const at = recordOffset(index, FunctionMailbox.Bars + Number(number) * 16);
    partition.poke64(at, bar.address);
    partition.poke64(at + 8, bar.size | BigInt(bar.flags ?? 0));
  }
  poke(FunctionMailbox.MsixControl, description.msix?.count ?? 0);
  poke(FunctionMailbox.MsixTable, description.msix?.table ?? 0);
  poke(FunctionMailbox.MsixPending, description.msix?.pending ?? 0);
  poke(FunctionMailbox.Msi, description.msi === true ? 1 : 0);
  poke(FunctionMailbox.CanReset, description.canReset === true ? 1 : 0);
}

/** A partition with these functions, its local APICs on. */
export async function startWithFunctions(functions: PciFunction[], options: MonitorOptions = {}): Promise<SimulatedPartition> {
  const partition = await startPartition(options);
  functions.forEach((description, index) => describeFunction(partition, index, description));
  partition.poke32(Mailbox.FunctionCount, functions.length);
  partition.monitor.start();
  for (let vcpu = 0; vcpu < (options.vcpus ?? 1); vcpu++) partition.write32(APIC + 0xf0n, 0x1ff, vcpu);
  return partition;
}

export function select(partition: SimulatedPartition, device: number, register: number, bus = 0, pciFunction = 0): void {
  partition.out32(0xcf8, (0x8000_0000 | (bus << 16) | (device << 11) | (pciFunction << 8) | (register & 0xfc)) >>> 0);
}

/** Reads the 32-bit register of a device on bus 0. */
export function configRead(partition: SimulatedPartition, device: number, register: number): number {
  select(partition, device, register);
  return partition.in32(0xcfc);
}

export function configWrite(partition: SimulatedPartition, device: number, register: number, value: number): void {
  select(partition, device, register);
  partition.out32(0xcfc, value);
}

/** Offsets by capability ID, as a guest walks the list. */
export function capabilities(partition: SimulatedPartition, device: number): Map<number, number> {
  const found = new Map<number, number>();
  let offset = configRead(partition, device, 0x34) & 0xff;
  for (let count = 0; offset !== 0; count++) {
    if (count === 48) throw new Error("the capability list has no end");
    const header = configRead(partition, device, offset);
    found.set(header & 0xff, offset);
    offset = (header >>> 8) & 0xff;
  }
  return found;
}

export const CAPABILITY = { powerManagement: 0x01, msi: 0x05, msix: 0x11, advancedFeatures: 0x13 };

/** Offset of a capability that must be there. */
export function capability(partition: SimulatedPartition, device: number, id: number): number {
  const offset = capabilities(partition, device).get(id);
  if (offset === undefined) throw new Error(`no capability ${id}`);
  return offset;
}
