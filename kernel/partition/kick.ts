// Interrupts of the machine between the cores of one partition: look at your vCPU's record, and at what the partition wishes.

import { sendFixed } from "../../drivers/local-apic";
import { HostVector } from "../../drivers/vectors";
import { Attention, attend } from "./attention";
import { currentPartition, currentVcpu, vcpuCount } from "./current";
import { vcpuApicId } from "./plan";
import { load32 } from "../memory/physical";
import { wishAddress } from "./status-page";

/** What the partition wishes lies there. */
let ownWish: u64 = 0;

/** Once this core knows its partition. */
export function attachKicks(): void { ownWish = wishAddress(currentPartition()); }

/** The monitor's bits reach this partition's cores and no other: those of vCPUs that it does not have count for nothing. */
export function kick(vcpus: u32): void {
  for (let bits = vcpus & ((1 << vcpuCount()) - 1); bits != 0; bits &= bits - 1) {
    sendFixed(vcpuApicId(currentPartition(), <u32>ctz(bits)), HostVector.Kick);
  }
}

export function kickOthers(): void { kick(~(<u32>1 << currentVcpu())); }

/** This core was kicked, or looks by itself. */
export function lookAround(): void {
  attend(load32(ownWish) != 0 ? Attention.Record | Attention.Intent : Attention.Record);
}
