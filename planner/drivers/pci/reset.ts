// How a function of the table can be reset, which knows whether it is alone behind its bridge.

import { isAloneBehindBridge } from "./bridges";
import { NO_PAGE } from "../../../drivers/pci/config-page";
import { ResetMethod, resetMethodAt } from "../../../drivers/pci/reset-method";
import { functionAt } from "./table";

export { ResetMethod } from "../../../drivers/pci/reset-method";

export function resetMethod(index: u32): ResetMethod {
  return resetMethodAt(functionAt(index).page, resettableBridge(index));
}

/** Page of the bridge whose reset would hit this function alone, else NO_PAGE. */
export function resettableBridge(index: u32): u64 {
  return isAloneBehindBridge(index) ? functionAt(functionAt(index).parent).page : NO_PAGE;
}
