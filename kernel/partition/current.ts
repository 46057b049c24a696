// The partition and the vCPU that this core runs.

import { coreId } from "../boot/stub";
import * as phys from "../memory/physical";
import { printByte } from "../console/print";
import { ImageKind, Mailbox, VcpuMailbox } from "../../monitor/interface";
import { NAME_LENGTH } from "../policy/layout";
import { partitionDevices, partitionHypercalls, partitionImageKind, partitionName, partitionVcpuCount } from "../policy/reader";
import { NO_PARTITION, partitionOfCore, vcpuOfCore } from "./plan";

let partition: u32 = NO_PARTITION;
let vcpu: u32 = 0;
let vcpus: u32 = 1;
let devices: u32 = 0;
let hypercalls: u32 = 0;
let firmware: bool = false;

/** Looks up this core's partition; NO_PARTITION if it runs none. */
export function attachPartition(): u32 {
  partition = partitionOfCore(coreId());
  if (partition == NO_PARTITION) return NO_PARTITION;
  vcpu = vcpuOfCore(coreId());
  vcpus = partitionVcpuCount(partition);
  devices = partitionDevices(partition);
  hypercalls = partitionHypercalls(partition);
  firmware = partitionImageKind(partition) == ImageKind.Firmware;
  return partition;
}

export function currentPartition(): u32 { return partition; }
/** Number of the vCPU that this core runs; 0 is the partition's boot processor. */
export function currentVcpu(): u32 { return vcpu; }
export function vcpuCount(): u32 { return vcpus; }
/** Offset in the mailbox of this vCPU's record. */
export function vcpuRecord(): u32 { return recordOfVcpu(vcpu); }
export function recordOfVcpu(number: u32): u32 { return <u32>Mailbox.Vcpus + number * <u32>VcpuMailbox.Size; }
export function hasDevice(device: u32): bool { return (devices & device) != 0; }
/** Whether the partition's image is a ROM. */
export function hasFirmware(): bool { return firmware; }
export function mayCall(hypercall: u64): bool { return hypercall < 32 && ((hypercalls >> <u32>hypercall) & 1) != 0; }

export function printPartitionName(index: u32): void {
  const name = partitionName(index);
  for (let i: u64 = 0; i < NAME_LENGTH; i++) {
    const byte = phys.load8(name + i);
    if (byte == 0) return;
    printByte(byte);
  }
}
