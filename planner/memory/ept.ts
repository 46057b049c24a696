// Extended page tables of a partition, SDM 3C 28.3.2: what its vCPUs reach, and nothing else.

import { createTree, MapStatus, mapTree, ROOT_SHIFT_4_LEVELS, TreeFormat } from "./page-tree";

/** Rights of a leaf. */
export const enum EptRight {
  Read = 1 << 0,
  Write = 1 << 1,
  Execute = 1 << 2,
  All = 7,
}

/** Memory types of a leaf, bits 5:3. */
export const enum EptMemoryType {
  Uncacheable = 0, // UC
  WriteBack = 6, // WB
}

const MEMORY_TYPE_SHIFT: u64 = 3;
/** Guest-physical addresses of a four-level EPT. */
const GUEST_ADDRESS_LIMIT: u64 = 1 << 48;

const format: TreeFormat = changetype<TreeFormat>(memory.data(40, 8));

/** An empty EPT: the physical address of its PML4, 0 if no frame is left. */
export function createEpt(): u64 { return createTree(); }

/**
 * Maps `length` bytes of guest-physical memory at `gpa` to host-physical memory at `hpa`.
 * `rights` is a mask of EptRight, `largePages` one of LargePage that IA32_VMX_EPT_VPID_CAP allows.
 */
export function mapEpt(
  root: u64, gpa: u64, hpa: u64, length: u64, rights: u32, memoryType: EptMemoryType, largePages: u32,
): MapStatus {
  if (gpa >= GUEST_ADDRESS_LIMIT || length > GUEST_ADDRESS_LIMIT - gpa) return MapStatus.Misaligned;
  format.rootShift = ROOT_SHIFT_4_LEVELS;
  format.presentMask = EptRight.All;
  format.tableBits = EptRight.All;
  format.largePages = largePages;
  const leafBits = <u64>(rights & EptRight.All) | (<u64>memoryType << MEMORY_TYPE_SHIFT);
  return mapTree(root, format, gpa, hpa, length, leafBits);
}
