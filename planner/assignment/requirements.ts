// What the machine must have for what the policy gives away; all that is missing is named at once.

import { interruptRemappingAllowed } from "../drivers/acpi/dmar/parse";
import { coreApicId, coreCount } from "../drivers/acpi/madt";
import { print } from "../../kernel/console/print";
import { HIGH_MEMORY_BASE, LOW_MEMORY_LIMIT } from "../../monitor/interface";
import { partitionCount, partitionMemory, usesScalableRemapping } from "../../kernel/policy/reader";
import { answers, checkUnits } from "../vtd/requirement";
import { unitAt, unitCount } from "../../kernel/vtd/unit";

/** With nothing given away the units need no feature: their empty tables deny everything. */
export function allUnitsAnswer(): bool {
  for (let i: u32 = 0; i < unitCount(); i++) {
    if (answers(unitAt(i))) continue;
    print("vtd: stays off: a unit does not answer; no device is given away, and none may start DMA\n");
    return false;
  }
  return true;
}

/** Number of requirements that the machine does not meet, each of which was printed. */
export function checkRequirements(): u32 {
  if (unitCount() == 0) {
    print("missing: DMAR table (VT-d 8.1): VT-d, without which no device is given away; switch it on in the firmware's set-up\n");
    return 1;
  }
  let missing = checkUnits(partitionCount(), topAddress(), topApicId(), usesScalableRemapping());
  if (!interruptRemappingAllowed()) {
    missing++;
    print("missing: DMAR flag INTR_REMAP (VT-d 8.1): interrupt remapping, which the firmware forbids\n");
  }
  return missing;
}

/** First device address after the memory of the largest partition. */
function topAddress(): u64 {
  let top: u64 = 0;
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    const size = partitionMemory(partition);
    top = max(top, size <= LOW_MEMORY_LIMIT ? size : HIGH_MEMORY_BASE + size - LOW_MEMORY_LIMIT);
  }
  return top;
}

function topApicId(): u32 {
  let top: u32 = 0;
  for (let core: u32 = 0; core < coreCount(); core++) top = max(top, coreApicId(core));
  return top;
}
