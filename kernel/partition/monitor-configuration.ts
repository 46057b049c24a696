// What a monitor is given before its partition starts: memory and images that it may reach, and what the policy says of its platform.

import { rdtsc } from "../cpu/processor";
import { Mailbox } from "../../monitor/interface";
import { partitionDevices, partitionDiskFlags, partitionImageKind, partitionVcpuCount } from "../policy/reader";
import { usedApicFeatures } from "./apic-virtualisation";
import { describeProcessor } from "./cpuid";
import { handOverFunctions } from "./functions";
import * as monitor from "./monitor";
import { PlanHeader, PlanPartition, field64, header64, imageAddress, imageLength } from "./plan";

/** Kernel, initial RAM disk, command line, disk. */
const IMAGES: u32 = 4;

/** A new instance of the monitor, with nothing of the run before. */
export function configureMonitor(partition: u32): void {
  monitor.instantiate();
  const low = field64(partition, PlanPartition.LowMemory);
  const high = field64(partition, PlanPartition.HighMemory);
  monitor.setGrant(monitor.Grant.MemoryBase, field64(partition, PlanPartition.MemoryBase));
  monitor.setGrant(monitor.Grant.LowMemory, low);
  monitor.setGrant(monitor.Grant.HighMemory, high);
  for (let image: u32 = 0; image < IMAGES; image++) {
    monitor.setGrant(monitor.Grant.Images + image * 2, imageAddress(partition, image));
    monitor.setGrant(monitor.Grant.Images + image * 2 + 1, imageLength(partition, image));
  }
  monitor.setGrant(monitor.Grant.RomBase, field64(partition, PlanPartition.RomBase));
  monitor.setGrant(monitor.Grant.RomSize, field64(partition, PlanPartition.RomSize));
  monitor.poke32(Mailbox.VcpuCount, partitionVcpuCount(partition));
  monitor.poke32(Mailbox.ApicFeatures, usedApicFeatures());
  monitor.poke32(Mailbox.Devices, partitionDevices(partition));
  monitor.poke32(Mailbox.DiskFlags, partitionDiskFlags(partition));
  monitor.poke32(Mailbox.ImageKind, partitionImageKind(partition));
  describeProcessor();
  monitor.poke64(Mailbox.TscFrequency, header64(PlanHeader.TscFrequency));
  monitor.poke64(Mailbox.LowMemory, low);
  monitor.poke64(Mailbox.HighMemory, high);
  const elapsed = (rdtsc() - header64(PlanHeader.WallClockTsc)) / header64(PlanHeader.TscFrequency);
  monitor.poke64(Mailbox.WallClock, header64(PlanHeader.WallClock) + elapsed);
  handOverFunctions();
}
