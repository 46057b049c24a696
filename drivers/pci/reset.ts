// How a function of the table can be reset, which knows whether it is alone behind its bridge; and what reset and status are called.

import { isAloneBehindBridge } from "./bridges";
import { NO_PAGE } from "./config-page";
import { ResetStatus } from "./reset-function";
import { ResetMethod, resetMethodAt } from "./reset-method";
import { functionAt } from "./table";

export { ResetMethod } from "./reset-method";
export { ResetStatus } from "./reset-function";

export function resetMethod(index: u32): ResetMethod {
  return resetMethodAt(functionAt(index).page, resettableBridge(index));
}

/** Page of the bridge whose reset would hit this function alone, else NO_PAGE. */
export function resettableBridge(index: u32): u64 {
  return isAloneBehindBridge(index) ? functionAt(functionAt(index).parent).page : NO_PAGE;
}

export function resetMethodText(method: u32): string {
  switch (method) {
    case ResetMethod.FunctionLevel: return "function-level reset";
    case ResetMethod.AdvancedFeatures: return "function-level reset (AF)";
    case ResetMethod.PowerManagement: return "D3hot and back";
    case ResetMethod.SecondaryBus: return "reset of its bus";
    default: return "none";
  }
}

export function resetStatusText(status: u32): string {
  switch (status) {
    case ResetStatus.Done: return "done";
    case ResetStatus.NoMethod: return "it cannot be reset";
    case ResetStatus.NotReady: return "it does not answer";
    default: return "its transactions did not end";
  }
}
