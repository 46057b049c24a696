// Leaf 0DH of CPUID: sizes are for what the guest may enable and, in EBX, for what it has enabled.

import { grantedXcr0 } from "../configuration";
import { FIRST_COMPONENT, LAST_COMPONENT, Mailbox } from "../interface";
import { CpuidLeaf, setLeaf } from "./leaf";

const WITHOUT_SUPERVISOR: u32 = 7; // XSAVEOPT, XSAVEC, XGETBV of XCR0 & XINUSE
const ALIGNED: u32 = 1 << 1;
/** Legacy region and XSAVE header, SDM 1 13.4. */
const BASE_SIZE: u32 = 576;

/** The subleaf of component `component`, as far as it tells size (EAX), offset (EBX) and alignment (ECX bit 1). */
@unmanaged
class Component {
  size: u32;
  offset: u32;
  flags: u32;
}
const COMPONENT_SIZE: u32 = 12;

function componentAt(component: u32): Component {
  return changetype<Component>(<usize>(Mailbox.StateComponents + (component - FIRST_COMPONENT) * COMPONENT_SIZE));
}

function isIn(features: u64, component: u32): bool {
  return component < 64 && ((features >> component) & 1) != 0;
}

/** `enabled`: XCR0 as the guest has set it. */
export function showExtendedState(leaf: CpuidLeaf, subleaf: u32, enabled: u64): void {
  const granted = grantedXcr0();
  if (granted == 0 || (subleaf >= 2 && !isIn(granted, subleaf))) return setLeaf(leaf, 0, 0, 0, 0);
  if (subleaf == 0) setLeaf(leaf, <u32>granted, areaSize(enabled), areaSize(granted), <u32>(granted >> 32));
  if (subleaf == 1) setLeaf(leaf, leaf.eax & WITHOUT_SUPERVISOR, compactedAreaSize(enabled), 0, 0);
}

/** Bytes of the standard format for the components in `features`, SDM 1 13.4.3. */
function areaSize(features: u64): u32 {
  let size = BASE_SIZE;
  for (let component = FIRST_COMPONENT; component <= LAST_COMPONENT; component++) {
    if (isIn(features, component)) size = max(size, componentAt(component).offset + componentAt(component).size);
  }
  return size;
}

/** Bytes of the compacted format for the components in `features`. */
function compactedAreaSize(features: u64): u32 {
  let size = BASE_SIZE;
  for (let component = FIRST_COMPONENT; component <= LAST_COMPONENT; component++) {
    if (!isIn(features, component)) continue;
    if (componentAt(component).flags & ALIGNED) size = (size + 63) & ~63;
    size += componentAt(component).size;
  }
  return size;
}
