// The first function of a partition, driven as a guest drives its MSI-X table.

import { type SimulatedPartition } from "../harness.ts";
import { CAPABILITY, capabilities, COMMAND, configWrite, FIRST_ASSIGNED, MEMORY_SPACE, PENDING, type PciFunction, startWithFunctions, TABLE } from "./pci-functions.ts";

export const ENABLE = 0x8000_0000;
export const FUNCTION_MASK = 0x4000_0000;
export const ALL_ONES = 0xffff_ffff_ffff_ffffn;
/** Message address of the local APIC with identifier 0. */
export const MESSAGE_ADDRESS = 0xfee0_0000;

export const entryAt = (entry: number): bigint => TABLE + BigInt(entry * 16);

export class MsixFunction {
  /** Offset of the MSI-X capability; 0 without one. */
  readonly control: number;

  constructor(readonly partition: SimulatedPartition) {
    this.control = capabilities(partition, 3).get(CAPABILITY.msix) ?? 0;
  }

  read64(gpa: bigint, size = 8): bigint {
    return BigInt.asUintN(64, this.partition.monitor.memoryRead(0, gpa, size));
  }

  write64(gpa: bigint, value: bigint, size = 8): void {
    this.partition.monitor.memoryWrite(0, gpa, size, value);
  }

  /** Writes Message Control. */
  setControl(bits: number): void {
    configWrite(this.partition, 3, this.control, bits >>> 0);
  }

  program(entry: number, data: number, address = MESSAGE_ADDRESS, upperAddress = 0): void {
    this.partition.write32(entryAt(entry), address);
    this.partition.write32(entryAt(entry) + 4n, upperAddress);
    this.partition.write32(entryAt(entry) + 8n, data);
  }

  setMask(entry: number, isMasked: boolean): void {
    this.partition.write32(entryAt(entry) + 12n, isMasked ? 1 : 0);
  }

  pendingBits(): bigint {
    return this.read64(PENDING);
  }

  /** The real function sends a message. */
  message(entry: number, index = 0): void {
    this.partition.monitor.deviceMessage(0, index, entry);
  }

  /** Pending vectors of both vCPUs. */
  vectors(): number[] {
    return [0, 1].map((vcpu) => this.partition.pendingVector(vcpu));
  }
}

/** A partition with two vCPUs and these functions, memory space of each enabled. */
export async function startMsix(functions: PciFunction[], devices?: number): Promise<MsixFunction> {
  const partition = await startWithFunctions(functions, { vcpus: 2, ...(devices === undefined ? {} : { devices }) });
  functions.forEach((_, index) => configWrite(partition, FIRST_ASSIGNED + index, COMMAND, MEMORY_SPACE));
  return new MsixFunction(partition);
}
