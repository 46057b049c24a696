// Invalidation of pages and of interrupt entries, VT-d 4.1 6.5.2.3 and 6.5.2.7, after tables in use have changed. The kernel's own tables stay as they
// were sealed, so that it needs neither.

import { DescriptorType, tlbOfDomain } from "../../kernel/vtd/descriptor";
import { InvalidationStatus, ask, invalidateDeviceTlb, invalidateInterrupts, invalidateTlbDomain } from "../../kernel/vtd/invalidate";
import { CAP_PSI, maximumAddressMask, maximumHandleMask } from "../../kernel/vtd/register";
import { sourceAt, sourceCount } from "../../kernel/vtd/sources";
import { Unit, unitAt, unitCount } from "../../kernel/vtd/unit";

const PAGE_SHIFT: u64 = 12;
/** G, bits 5:4: a range of pages in place of a domain; entries in place of all. */
const DOMAIN_TO_PAGES: u64 = 1 << 4;
const INTERRUPT_SELECTIVE: u64 = 1 << 4;
/** IM, bits 31:27, and IIDX, bits 47:32. */
const INDEX_MASK_SHIFT: u64 = 27;
const INDEX_SHIFT: u64 = 32;

/** A range was taken out of a domain's tables: every unit and every device TLB that may hold it forgets it. */
export function rangeUnmapped(domainId: u32, partition: u32, address: u64, length: u64): bool {
  for (let i: u32 = 0; i < unitCount(); i++) {
    const unit = unitAt(i);
    if (unit.isTranslating != 0 && invalidateTlbPages(unit, domainId, address, length) != InvalidationStatus.Done) return false;
  }
  for (let i: u32 = 0; i < sourceCount(); i++) {
    const source = sourceAt(i);
    if (source.partition != partition || source.deviceTlb == 0) continue;
    if (invalidateDeviceTlb(unitAt(source.unit), source.sourceId) != InvalidationStatus.Done) return false;
  }
  return true;
}

/** `length` bytes at `address`; the whole domain if the unit cannot name the pages in one command. */
export function invalidateTlbPages(unit: Unit, domainId: u32, address: u64, length: u64): InvalidationStatus {
  if (length == 0) return InvalidationStatus.Done;
  const mask = maskOf(address >> PAGE_SHIFT, (address + length - 1) >> PAGE_SHIFT);
  if ((unit.capability & CAP_PSI) == 0 || mask > maximumAddressMask(unit.capability)) return invalidateTlbDomain(unit, domainId);
  return ask(unit, tlbOfDomain(unit, domainId) | DOMAIN_TO_PAGES, pagesAt(address, mask));
}

/** 2^`mask` pages at `address`, and with IH = 0 the table entries that lead to them. */
function pagesAt(address: u64, mask: u32): u64 {
  return (address & ~(((<u64>1 << mask) << PAGE_SHIFT) - 1)) | <u64>mask;
}

/** log2 of the smallest aligned block of numbers that holds `first` to `last`. */
export function maskOf(first: u64, last: u64): u32 {
  let mask: u32 = 0;
  while (mask < 63 && first >> mask != last >> mask) mask++;
  return mask;
}

/** `count` entries of the interrupt remapping table; all if the unit cannot name them in one command. */
export function invalidateInterruptEntries(unit: Unit, index: u32, count: u32): InvalidationStatus {
  if (count == 0) return InvalidationStatus.Done;
  const mask = maskOf(index, <u64>index + count - 1);
  if (mask > maximumHandleMask(unit.extended)) return invalidateInterrupts(unit);
  return ask(unit, interruptEntriesAt(index & ~((<u32>1 << mask) - 1), mask), 0);
}

/** 2^`mask` entries at `index`. */
function interruptEntriesAt(index: u32, mask: u32): u64 {
  return <u64>DescriptorType.InterruptEntry | INTERRUPT_SELECTIVE | (<u64>mask << INDEX_MASK_SHIFT) | (<u64>index << INDEX_SHIFT);
}
