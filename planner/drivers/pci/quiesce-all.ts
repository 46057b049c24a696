// All functions of the table at rest.

import { setBusMasterAt } from "../../../drivers/pci/command";
import { quiesceAt } from "../../../drivers/pci/quiesce";
import { functionAt, functionCount } from "./table";

/** Quiets all functions of the table, bridges too. */
export function quiesceFunctions(): void {
  for (let i: u32 = 0; i < functionCount(); i++) {
    setBusMasterAt(functionAt(i).page, false);
    quiesceAt(functionAt(i).page);
  }
}
