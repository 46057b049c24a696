// The source ids that a partition's devices may use, and what became of them. A source id that is not here has no owner,
// and its DMA is blocked wherever it goes.

export const MAXIMUM_SOURCES: u32 = 128;
export const NO_SOURCE: u32 = 0xffffffff;

/** Number of a partition's domain. 0 is not used: a unit in caching mode marks with it what is not there (CAP.CM). */
export function domainOf(partition: u32): u32 { return partition + 1; }

@unmanaged
export class Source {
  segment: u32;
  /** Bus, device and function: bits 15:8, 7:3 and 2:0. */
  sourceId: u32;
  /** Index of the unit that translates for it. */
  unit: u32;
  /** Partition that owns the device. */
  partition: u32;
  /** Its DMA may use the device TLB (ATS). */
  deviceTlb: u32;
  /** Faults since boot. */
  faults: u32;
  /** 1: its context entry was taken away after too many faults. */
  isOff: u32;
  /** Faults in the window that began at windowStart. */
  windowFaults: u32;
  /** TSC. */
  windowStart: u64;
  /** First u64 of its context entry before that was taken away. */
  entry: u64;
}
export const SOURCE_SIZE: usize = 48;

const sources: usize = memory.data(6144, 8); // MAXIMUM_SOURCES * SOURCE_SIZE
let count: u32 = 0;

export function clearSources(): void { count = 0; }

export function sourceCount(): u32 { return count; }

export function sourceAt(index: u32): Source {
  return changetype<Source>(sources + <usize>index * SOURCE_SIZE);
}

/** Index of a source id, or NO_SOURCE. */
export function findSource(segment: u32, sourceId: u32): u32 {
  for (let i: u32 = 0; i < count; i++) {
    const source = sourceAt(i);
    if (source.segment == segment && source.sourceId == sourceId) return i;
  }
  return NO_SOURCE;
}

/** Index of the new record; NO_SOURCE if the table is full or the source id is there already. */
export function addSource(segment: u32, sourceId: u32, unit: u32, partition: u32): u32 {
  if (count == MAXIMUM_SOURCES || findSource(segment, sourceId) != NO_SOURCE) return NO_SOURCE;
  const source = sourceAt(count);
  memory.fill(changetype<usize>(source), 0, SOURCE_SIZE);
  source.segment = segment;
  source.sourceId = sourceId;
  source.unit = unit;
  source.partition = partition;
  return count++;
}
