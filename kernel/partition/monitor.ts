// The kernel's side of the monitor: calls into the instance of this core's partition, and its mailbox.

/** What a monitor may reach; written by the kernel before start(). All u64. */
export const enum Grant {
  MemoryBase = 0, // HPA of GPA 0; high memory follows low memory without a gap
  LowMemory = 1, // bytes
  HighMemory = 2, // bytes
  Images = 3, // four pairs of HPA and size: kernel, initial RAM disk, command line, disk
  RomBase = 11, // HPA of a ROM that ends at GPA 4 GiB; the monitor only reads it
  RomSize = 12, // bytes
  Count = 13,
}

/** Makes a fresh instance in the monitor memory of this core: data segments, globals, grants cleared. */
@external("monitor", "instantiate") export declare function instantiate(): void;
@external("monitor", "setGrant") export declare function setGrant(grant: u32, value: u64): void;

/** 1 if the last call was cut short by a fault in the monitor (CoreData.MonitorFaulted); its result is then 0. */
@external("monitor", "faulted") export declare function faulted(): u32;
/** RIP of that fault. */
@external("monitor", "faultAddress") export declare function faultAddress(): u64;

// Access to the mailbox and the virtual-APIC pages, offset < 64 KiB. The floor masks the offset.
@external("monitor", "peek8") export declare function peek8(offset: u32): u8;
@external("monitor", "peek32") export declare function peek32(offset: u32): u32;
@external("monitor", "peek64") export declare function peek64(offset: u32): u64;
@external("monitor", "poke8") export declare function poke8(offset: u32, value: u8): void;
@external("monitor", "poke32") export declare function poke32(offset: u32, value: u32): void;
/** Sets bits of a word that the processor may change at the same moment; the word before. */
@external("monitor", "or32") export declare function or32(offset: u32, bits: u32): u32;
@external("monitor", "poke64") export declare function poke64(offset: u32, value: u64): void;

// Exports of monitor/main.ts, one import each, same parameters; enterMonitor() (monitor-lock.ts) goes before all but start(). Each sets Mailbox.Status unless it says otherwise.

/** Resets the devices, loads the images, writes tables, fills EntryState; returns LoadStatus. */
@external("monitor", "start") export declare function start(): u32;
@external("monitor", "portRead") export declare function portRead(vcpu: u32, port: u32, size: u32): u32;
@external("monitor", "portWrite") export declare function portWrite(vcpu: u32, port: u32, size: u32, value: u32): void;
/** One REP INS/OUTS or a single one, with Mailbox.Frame; `information` is the VMX instruction-information field (SDM 28.2.5). */
@external("monitor", "portString") export declare function portString(vcpu: u32, port: u32, size: u32, isWrite: u32, isRepeated: u32, information: u32): void;
@external("monitor", "msrRead") export declare function msrRead(vcpu: u32, index: u32): u64;
@external("monitor", "msrWrite") export declare function msrWrite(vcpu: u32, index: u32, value: u64): void;
/** Makes the guest's answer of the processor's in Mailbox.Cpuid. `controls`: mask of CpuidControl. Leaves Mailbox.Status alone. */
@external("monitor", "cpuid") export declare function cpuid(vcpu: u32, leaf: u32, subleaf: u32, controls: u32, enabledXcr0: u64): void;
/** Decodes the instruction at RIP of Mailbox.Frame and carries it out on the device at `gpa`. */
@external("monitor", "memoryAccess") export declare function memoryAccess(vcpu: u32, gpa: u64, isWrite: u32): void;
/** The task switch of the exit qualification, on what lendTask() left; `errorCode`: all ones if there is none. */
@external("monitor", "taskSwitch") export declare function taskSwitch(vcpu: u32, qualification: u32, errorCode: u64): void;
/** MOV to and from CR8. */
@external("monitor", "taskPriorityRead") export declare function taskPriorityRead(vcpu: u32): u32;
@external("monitor", "taskPriorityWrite") export declare function taskPriorityWrite(vcpu: u32, value: u32): void;
/** Interrupt acknowledge: moves the pending vector into service and returns it (0: spurious, inject nothing). */
@external("monitor", "acknowledge") export declare function acknowledge(vcpu: u32): u32;
/** Guest interrupt status of a virtualised local APIC: RVI in bits 7:0, SVI in bits 15:8. Takes what VcpuSignal asked for. Leaves Mailbox.Status alone, like the next two. */
@external("monitor", "interruptStatus") export declare function interruptStatus(vcpu: u32): u32;
/** The processor wrote the register at `offset` of the virtual-APIC page. */
@external("monitor", "apicWrite") export declare function apicWrite(vcpu: u32, offset: u32): void;
/** The processor carried out the EOI of the level-triggered `vector`. */
@external("monitor", "apicEndOfInterrupt") export declare function apicEndOfInterrupt(vcpu: u32, vector: u32): void;
@external("monitor", "acknowledgeNmi") export declare function acknowledgeNmi(vcpu: u32): void;
/** The deadline of this vCPU has passed: timers that are due fire. */
@external("monitor", "timer") export declare function timer(vcpu: u32): void;
/** Bytes were put into the input ring. */
@external("monitor", "input") export declare function input(vcpu: u32): void;
/** Message `message` of the assigned PCI function `functionIndex` arrived (0 for MSI). Leaves Mailbox.Status alone. */
@external("monitor", "deviceMessage") export declare function deviceMessage(vcpu: u32, functionIndex: u32, message: u32): void;
