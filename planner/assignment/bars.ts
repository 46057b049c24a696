// Memory and ports of an assigned function: sized, checked, and given a place in the partition's PCI window. The real BARs
// stay where firmware put them; a guest that moves its virtual ones moves nothing.

import { sourceName } from "../../kernel/console/print";
import { BarFlag, BarStatus, MAXIMUM_BARS, barAt, barSharesPage, sizeBars } from "../drivers/pci/bar";
import { NO_FUNCTION, functionAt } from "../drivers/pci/functions";
import { PCI_WINDOW_BASE, PCI_WINDOW_END } from "../../monitor/interface";
import { PAGE_SIZE } from "../../kernel/memory/layout";
import { MAXIMUM_PARTITIONS } from "../../kernel/policy/layout";
import { devicePartition } from "../../kernel/policy/reader";
import { isMachineMemory } from "./machine-memory";
import { barSharesPort, isMachinePort } from "./machine-ports";
import { refuse } from "./refusal";
import { setBar } from "../partition/plan-writer";

const PORTS_END: u64 = 0x10000;

// First free guest-physical address of each partition's window.
const next: usize = memory.data(128, 8); // MAXIMUM_PARTITIONS u64

export function clearWindows(): void {
  for (let partition: u32 = 0; partition < MAXIMUM_PARTITIONS; partition++) store<u64>(next + (<usize>partition << 3), PCI_WINDOW_BASE);
}

/** Writes the BARs of function `index`, which is `device` of the policy, into the plan's record `record`; false if one is refused. */
export function describeBars(device: u32, index: u32, record: u32): bool {
  if (sizeBars(index) != BarStatus.Done) return refuse(device, "a BAR states a size that no BAR can have (PCI 3.0 6.2.5.1)");
  for (let bar: u32 = 0; bar < MAXIMUM_BARS; bar++) {
    if (barAt(bar).size != 0 && !describeBar(device, index, record, bar)) return false;
  }
  return true;
}

function describeBar(device: u32, index: u32, record: u32, bar: u32): bool {
  const found = barAt(bar);
  if (found.address == 0) return refuse(device, "BAR %d: firmware gave it no address", bar);
  if ((found.flags & BarFlag.Io) != 0) return describePorts(device, index, record, bar);
  if (isMachineMemory(found.address, found.size)) return refuse(device, "BAR %d: firmware put it over memory or registers of the machine itself", bar);
  const sharer = barSharesPage(index, bar);
  if (sharer != NO_FUNCTION) return refuse(device, "BAR %d: shares the page at %12x with %s", bar, found.address & ~(PAGE_SIZE - 1), nameOf(sharer));
  const guestAddress = place(devicePartition(device), found.address, found.size);
  if (guestAddress == 0) return refuse(device, "BAR %d: the partition's PCI window of 1,003 MiB has no room for it", bar);
  setBar(record, bar, guestAddress, found.address, found.size | <u64>found.flags);
  return true;
}

/** The partition has the ports under their own numbers. */
function describePorts(device: u32, index: u32, record: u32, bar: u32): bool {
  const found = barAt(bar);
  if (found.address + found.size > PORTS_END) return refuse(device, "BAR %d: its ports lie beyond 0xffff", bar);
  if (isMachinePort(found.address, found.size)) return refuse(device, "BAR %d: firmware put it over ports of the machine itself", bar);
  const sharer = barSharesPort(index, bar);
  if (sharer != NO_FUNCTION) return refuse(device, "BAR %d: has ports of %s too", bar, nameOf(sharer));
  setBar(record, bar, found.address, found.address, found.size | <u64>found.flags);
  return true;
}

/** Guest-physical address for a BAR, with the same offset in its page; 0 if the window is full. */
function place(partition: u32, address: u64, size: u64): u64 {
  const slot = next + (<usize>partition << 3);
  const alignment = max(size, PAGE_SIZE);
  const base = (load<u64>(slot) + alignment - 1) & ~(alignment - 1);
  if (size > PCI_WINDOW_END || base + alignment > PCI_WINDOW_END) return 0;
  store<u64>(slot, base + alignment);
  return base | (address & (PAGE_SIZE - 1));
}

function nameOf(index: u32): u64 {
  return sourceName(functionAt(index).segment, functionAt(index).sourceId);
}
