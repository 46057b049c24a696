// Hardware task switches, which always exit (SDM 3C 26.4.2). They are not offered: the guest gets #GP, with the selector
// that asked for one as its error code.

import { auditInstruction } from "../../partition/audit";
import { StopReason, partitionFault } from "../../partition/lifecycle";
import { injectGeneralProtectionDuringDelivery, wasDeliveringDoubleFault } from "./events";
import { ExitReason } from "./exit-reason";
import { VmcsField } from "./field";
import { vmread } from "./instructions";

/** Index and table of the selector in the exit qualification, SDM 3C table 28-2. */
const SELECTOR_INDEX: u64 = 0xfffc;

export function onTaskSwitch(): void {
  auditInstruction(ExitReason.TASK_SWITCH);
  // A task gate for #GP or #DF itself: the refusal must not go round for ever.
  if (wasDeliveringDoubleFault()) return partitionFault(StopReason.TripleFault);
  injectGeneralProtectionDuringDelivery(vmread(VmcsField.EXIT_QUALIFICATION) & SELECTOR_INDEX);
}
