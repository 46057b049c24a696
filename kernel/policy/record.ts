// Loads from policy.bin in physical memory, before and after it is validated.

import * as phys from "../memory/physical";
import { PolicyDevice, PolicyHeader, PolicyPartition } from "./layout";

let base: u64 = 0;

/** Sets the physical address of policy.bin. */
export function setBase(address: u64): void {
  base = address;
}

export function header32(field: PolicyHeader): u32 { return phys.load32(base + <u64>field); }

export function header64(field: PolicyHeader): u64 { return phys.load64(base + <u64>field); }

export function field32(partition: u32, field: PolicyPartition): u32 {
  return phys.load32(fieldAddress(partition, field));
}

export function field8(partition: u32, field: PolicyPartition): u32 {
  return phys.load8(fieldAddress(partition, field));
}

export function field64(partition: u32, field: PolicyPartition): u64 {
  return phys.load64(fieldAddress(partition, field));
}

/** Physical address of a field of a partition's record. */
export function fieldAddress(partition: u32, field: PolicyPartition): u64 {
  return base + <u64>PolicyHeader.Partitions + <u64>partition * <u64>PolicyPartition.Size + <u64>field;
}

/** A field of the device record `index`. */
export function deviceField32(index: u32, field: PolicyDevice): u32 {
  const records = partitionRecordsEnd(header32(PolicyHeader.PartitionCount));
  return phys.load32(base + records + <u64>index * <u64>PolicyDevice.Size + <u64>field);
}

/** Offset in policy.bin of what follows `partitions` partition records. */
export function partitionRecordsEnd(partitions: u32): u64 {
  return <u64>PolicyHeader.Partitions + <u64>partitions * <u64>PolicyPartition.Size;
}

/** Physical address of a byte of policy.bin. */
export function byteAddress(offset: u32): u64 { return base + <u64>offset; }
