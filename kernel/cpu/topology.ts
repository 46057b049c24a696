// Which logical processors share a core: the low bits of an APIC identifier number its threads, SDM 3A 9.9.

import { cpuid } from "./processor";

const LEAF_PROCESSOR: u32 = 1;
const LEAF_CACHES: u32 = 4;
/** Extended topology, and the same with dies and modules; both begin with the threads of a core. */
const LEAF_TOPOLOGY: u32 = 0x0b;
const LEAF_TOPOLOGY_V2: u32 = 0x1f;

const LEVEL_TYPE_SMT: u32 = 1;
const LEVEL_SHIFT_MASK: u32 = 0x1f;
/** CPUID.1:EDX.HTT: CPUID.1:EBX[23:16] counts the package's APIC identifiers. */
const LEAF1_EDX_HTT: u32 = 1 << 28;

const scratch = memory.data(16, 8);

/** Bits of an APIC identifier below its core's number; 0 where a core has one thread. */
export function siblingShift(): u32 {
  cpuid(0, 0, scratch);
  const highest = load<u32>(scratch);
  if (highest >= LEAF_TOPOLOGY_V2 && readsTopology(LEAF_TOPOLOGY_V2)) return threadShift();
  if (highest >= LEAF_TOPOLOGY && readsTopology(LEAF_TOPOLOGY)) return threadShift();
  return highest >= LEAF_CACHES ? legacyShift() : 0;
}

/** False if the leaf is empty; its first level is then in `scratch`. */
function readsTopology(leaf: u32): bool {
  cpuid(leaf, 0, scratch);
  return load<u32>(scratch, 4) != 0;
}

/** EAX[4:0] of the level of threads; it is the first level wherever there is one. */
function threadShift(): u32 {
  const type = (load<u32>(scratch, 8) >> 8) & 0xff;
  return type == LEVEL_TYPE_SMT ? load<u32>(scratch) & LEVEL_SHIFT_MASK : 0;
}

/** Before leaf 0BH: identifiers of a package, less those that number its cores (SDM 3A 9.9.3.2). */
function legacyShift(): u32 {
  cpuid(LEAF_PROCESSOR, 0, scratch);
  if (!(load<u32>(scratch, 12) & LEAF1_EDX_HTT)) return 0;
  const identifiers = (load<u32>(scratch, 4) >> 16) & 0xff;
  cpuid(LEAF_CACHES, 0, scratch);
  const cores = (load<u32>(scratch) >> 26) + 1;
  const packageShift = bitsFor(identifiers);
  const coreShift = bitsFor(cores);
  return packageShift > coreShift ? packageShift - coreShift : 0;
}

/** Bits that number `count` things. */
function bitsFor(count: u32): u32 { return count > 1 ? 32 - clz(count - 1) : 0; }
