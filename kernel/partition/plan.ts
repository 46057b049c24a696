// The plan: what core 0 decided for every core and partition. It lies in frames of its own; cores read it through
// phys and no core maps it writable once the system is sealed.
//
//   page 0  header, then the back end's region, the partition and the vCPU of each core
//   page 1  one record a partition
//   pages 2, 3  one record a PCI function that a partition owns, see plan-functions.ts
//   page 4  one record a core, then the loader's modules, see plan-machine.ts
//   pages 5 to 8  units of VT-d and what they let through, see plan-remapping.ts

import { load32, load64, store32, store64 } from "../memory/physical";
import { Fixed } from "../memory/layout";
import { MAXIMUM_VCPUS } from "../../monitor/interface";

export const PLAN_PAGES: u32 = 9;
export const MAXIMUM_CORES: u32 = 64;
export const NO_PARTITION: u32 = 0xffffffff;
export const NO_UNIT: u32 = 0xffffffff;

export const enum PlanHeader {
  Policy = 0x00, // u64 physical address of policy.bin
  PolicySize = 0x08, // u64
  TscFrequency = 0x10, // u64 Hz
  WallClock = 0x18, // u64 seconds since 1970 when WallClockTsc was read
  WallClockTsc = 0x20, // u64
  Rings = 0x28, // u64 physical address of the console rings
  CoreCount = 0x30, // u32
  FunctionCount = 0x34, // u32 PCI functions that partitions own
  DeviceReports = 0x38, // u64 page in which core 0 counts what devices did wrong, see device-reports.ts
  AllMitigations = 0x40, // u32, 1 where the command line asks for every sequence against speculation
  ApicFeatures = 0x44, // u32 mask of ApicFeature that partitions use
  ModuleCount = 0x48, // u32 modules that the loader gave, policy.bin being module 0
  Trampoline = 0x50, // u64 page below 1 MiB that other cores start in; 0: none
  ScreenAddress = 0x58, // u64 physical address of the screen, 0 if none is core 0's
  ScreenLength = 0x60, // u64 bytes
  UnitCount = 0x80, // u32 units of VT-d that are to remap; 0: they stay as firmware left them
  SourceCount = 0x84, // u32 source ids
  ReservedCount = 0x88, // u32 ranges of the firmware's memory that devices reach
  BridgeCount = 0x8c, // u32 bridges above functions that partitions own
  TableLevels = 0x90, // u32 levels of all second-level tables
  RemapsInterrupts = 0x94, // u32 1 unless the firmware forbids it
  PowerOff = 0xc0, // PowerOffRecord of drivers/power.ts
  InputUnit = 0xd0, // u32 unit that remaps COM1's interrupt, NO_UNIT if none does; what follows is its interrupt remapping entry
  InputEntry = 0xd4, // u32 index
  InputValidation = 0xd8, // u32 who may use it
  InputLevel = 0xdc, // u32 1: level triggered
  CoreRegions = 0x100, // MAXIMUM_CORES u64: a frame a core, for the back end (VMX: the VMXON region)
  CorePartitions = 0x400, // MAXIMUM_CORES u32 or NO_PARTITION
  CoreVcpus = 0x500, // MAXIMUM_CORES u32: number of the vCPU that runs on the core
  VcpuApicIds = 0x600, // MAXIMUM_VCPUS u32 a partition: APIC identifier of each vCPU's core
}

export const enum PlanPartition {
  MemoryBase = 0x00, // u64 HPA of GPA 0
  LowMemory = 0x08, // u64 bytes
  HighMemory = 0x10, // u64 bytes
  EptRoot = 0x18, // u64
  DomainRoot = 0x20, // u64 second-level tables of VT-d; 0: no device
  IoBitmaps = 0x28, // u64
  MsrBitmap = 0x30, // u64
  Monitor = 0x38, // u64 instance page and linear memory
  Status = 0x40, // u64 status page, see status-page.ts
  Images = 0x48, // four pairs of u64: address and size of kernel, initial RAM disk, command line, disk
  PostedDescriptor = 0x88, // u64 where hardware posts the messages of its functions; 0: each message has a vector of its own
  RomBase = 0x90, // u64 frames that hold the ROM of firmware; 0: none
  RomSize = 0x98, // u64 bytes
  ApicAccessPage = 0xa0, // u64 an empty frame: see SDM 3C 30.4
  X2ApicMsrBitmap = 0xa8, // u64
  VcpuControls = 0xb0, // MAXIMUM_VCPUS u64, a frame each for the back end (VMX: the VMCS)
  ApicEptRoot = 0xf0, // u64 as EptRoot, and the APIC-access page
  PasidDirectory = 0xf8, // u64 in scalable mode: PASID directory and, in the next frame, PASID table of its devices
  Size = 0x100,
}

const RECORDS: u64 = 4096;

let plan: u64 = 0;

/** Takes the plan's frames into use on this core. */
export function attachPlan(address: u64): void { plan = address; }
/** Takes the plan that core 0 left for this core. */
export function attachHandedPlan(): void { plan = load<u64>(Fixed.Plan); }
export function planAddress(): u64 { return plan; }

export function header32(field: PlanHeader): u32 { return load32(plan + <u64>field); }
export function header64(field: PlanHeader): u64 { return load64(plan + <u64>field); }
export function setHeader64(field: PlanHeader, value: u64): void { store64(plan + <u64>field, value); }

function record(partition: u32): u64 { return plan + RECORDS + <u64>partition * <u64>PlanPartition.Size; }
export function field64(partition: u32, field: PlanPartition): u64 { return load64(record(partition) + <u64>field); }
export function setField64(partition: u32, field: PlanPartition, value: u64): void { store64(record(partition) + <u64>field, value); }

export function setImage(partition: u32, image: u32, address: u64, size: u64): void {
  const pair = record(partition) + <u64>PlanPartition.Images + <u64>image * 16;
  store64(pair, address);
  store64(pair + 8, size);
}
export function imageAddress(partition: u32, image: u32): u64 { return load64(record(partition) + <u64>PlanPartition.Images + <u64>image * 16); }
export function imageLength(partition: u32, image: u32): u64 { return load64(record(partition) + <u64>PlanPartition.Images + <u64>image * 16 + 8); }

/** Bytes of a partition's memory. */
export function partitionMemorySize(partition: u32): u64 { return field64(partition, PlanPartition.LowMemory) + field64(partition, PlanPartition.HighMemory); }

export function coreRegion(core: u32): u64 { return load64(plan + <u64>PlanHeader.CoreRegions + <u64>core * 8); }

/** Partition that runs on a core, or NO_PARTITION. */
export function partitionOfCore(core: u32): u32 { return load32(plan + <u64>PlanHeader.CorePartitions + <u64>core * 4); }
/** Number of the vCPU that runs on a core. */
export function vcpuOfCore(core: u32): u32 { return load32(plan + <u64>PlanHeader.CoreVcpus + <u64>core * 4); }

/** Gives a core no partition. */
export function clearCore(core: u32): void { store32(plan + <u64>PlanHeader.CorePartitions + <u64>core * 4, NO_PARTITION); }

/** Places a vCPU on the core `core`, whose APIC identifier is `apicId`. */
export function placeVcpu(partition: u32, vcpu: u32, core: u32, apicId: u32): void {
  store32(plan + <u64>PlanHeader.CorePartitions + <u64>core * 4, partition);
  store32(plan + <u64>PlanHeader.CoreVcpus + <u64>core * 4, vcpu);
  store32(vcpuApicIdField(partition, vcpu), apicId);
}

function vcpuApicIdField(partition: u32, vcpu: u32): u64 {
  return plan + <u64>PlanHeader.VcpuApicIds + <u64>(partition * MAXIMUM_VCPUS + vcpu) * 4;
}

/** APIC identifier of the core of a vCPU. */
export function vcpuApicId(partition: u32, vcpu: u32): u32 { return load32(vcpuApicIdField(partition, vcpu)); }

export function vcpuControlField(partition: u32, vcpu: u32): u64 { return record(partition) + <u64>PlanPartition.VcpuControls + <u64>vcpu * 8; }
export function vcpuControl(partition: u32, vcpu: u32): u64 { return load64(vcpuControlField(partition, vcpu)); }
