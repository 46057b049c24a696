// The end of the system: a numbered reason on every console, then this core stops.

import { flushConsoles } from "../console/devices";
import { print, printDecimal, printDirectly, printHex, printLine } from "../console/print";
import { coreId, halt } from "./stub";

/** Numbers are never reused: users report them. */
export const enum FatalReason {
  Trap = 1,
  BootInformation = 2,
  NoMemory = 3,
  OutOfFrames = 4,
  PageTables = 5,
  AcpiTables = 6,
  TscCalibration = 7,
  ProcessorUnsuitable = 8,
  PolicyMissing = 9,
  PolicyInvalid = 10,
  CoreNotStarted = 11,
  SealEpt = 12,
  SealPageTables = 13,
  VmxOn = 14,
  VmcsLoad = 15,
  VmEntry = 17,
  EptTables = 19,
  InterruptRoute = 20,
  MachineCheck = 21,
  PciScan = 22,
  DmarTable = 23,
  DevicesRefused = 24,
  RemappingTables = 25,
  SealRemapping = 26,
  RemappingStart = 27,
}

export function fatalText(reason: FatalReason): string {
  switch (reason) {
    case FatalReason.Trap: return "exception in the kernel";
    case FatalReason.BootInformation: return "boot information malformed";
    case FatalReason.NoMemory: return "no usable memory in the memory map";
    case FatalReason.OutOfFrames: return "out of physical memory";
    case FatalReason.PageTables: return "page tables of a core could not be built";
    case FatalReason.AcpiTables: return "ACPI tables missing or malformed";
    case FatalReason.TscCalibration: return "TSC not measured: PM timer, HPET and PIT stand still";
    case FatalReason.ProcessorUnsuitable: return "the machine lacks what the kernel needs";
    case FatalReason.PolicyMissing: return "no policy module";
    case FatalReason.PolicyInvalid: return "policy invalid";
    case FatalReason.CoreNotStarted: return "a core did not start";
    case FatalReason.SealEpt: return "an EPT does not match the policy";
    case FatalReason.SealPageTables: return "a core's page tables break the rules";
    case FatalReason.VmxOn: return "VMXON failed";
    case FatalReason.VmcsLoad: return "VMCLEAR or VMPTRLD failed";
    case FatalReason.VmEntry: return "VM entry failed";
    case FatalReason.EptTables: return "an EPT could not be built";
    case FatalReason.InterruptRoute: return "an interrupt could not be routed";
    case FatalReason.PciScan: return "the PCI functions make no tree";
    case FatalReason.DmarTable: return "DMAR table malformed";
    case FatalReason.DevicesRefused: return "a device cannot be given away";
    case FatalReason.RemappingTables: return "remapping tables could not be built";
    case FatalReason.SealRemapping: return "a remapping table does not match the policy";
    case FatalReason.RemappingStart: return "a VT-d unit does not do as told";
    case FatalReason.MachineCheck: return "machine check while a partition ran";
    default: return "unknown reason";
  }
}

/** Opens the report: core, number and text of the reason. More lines may follow with print(); then stop(). */
export function reportFatal(reason: FatalReason): void {
  printDirectly();
  print("fatal ");
  printDecimal(reason);
  print(" on core ");
  printDecimal(coreId());
  print(": ");
  print(fatalText(reason));
  printLine();
}

/** Stops this core for good. */
export function stop(): void {
  flushConsoles();
  halt();
}

/** Reports the reason and stops. */
export function fatal(reason: FatalReason): void {
  reportFatal(reason);
  stop();
}

/** Reports the reason with a status, an address or another number that says more, and stops. */
export function fatalWith(reason: FatalReason, what: string, value: u64): void {
  reportFatal(reason);
  print("  ");
  print(what);
  print(" ");
  printHex(value, 16);
  printLine();
  stop();
}
