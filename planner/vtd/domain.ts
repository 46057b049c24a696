// The DMA domain of a partition: the addresses that its devices use are the guest-physical ones of its memory.

import { MapStatus } from "../memory/page-tree";
import { rangeUnmapped } from "./selective-invalidation";
import { domainOf } from "../../kernel/vtd/sources";
import { DmaRight, createSecondLevel, mapSecondLevel, unmapSecondLevel } from "./second-level";

export const MAXIMUM_DOMAINS: u32 = 17;

// Root of each partition's tables, 0 if it has no device.
const roots: usize = memory.data(136, 8); // MAXIMUM_DOMAINS u64

/** Root of a partition's second-level tables, made at first; 0 if no frame is left. */
export function domainRoot(partition: u32): u64 {
  const slot = roots + (<usize>partition << 3);
  if (load<u64>(slot) == 0) store<u64>(slot, createSecondLevel());
  return load<u64>(slot);
}

export function hasDomain(partition: u32): bool { return load<u64>(roots + (<usize>partition << 3)) != 0; }

/** Makes a range of host-physical memory reachable for a partition's devices, at device address `from`. */
export function grantMemory(partition: u32, from: u64, to: u64, length: u64): MapStatus {
  const root = domainRoot(partition);
  if (root == 0) return MapStatus.OutOfFrames;
  return mapSecondLevel(root, from, to, length, DmaRight.All);
}

/** Takes a range away again, and has every unit and every device TLB forget it; false if one may still use it. */
export function revokeMemory(partition: u32, from: u64, length: u64): bool {
  if (!hasDomain(partition) || unmapSecondLevel(domainRoot(partition), from, length) != MapStatus.Done) return false;
  return rangeUnmapped(domainOf(partition), partition, from, length);
}
