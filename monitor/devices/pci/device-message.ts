// A message of the real function, passed on as the guest has programmed the virtual one.

import { functionCount } from "../../configuration";
import { sendMsi } from "./msi";
import { messageTable, sendMsiX } from "./msix";

/** `message`: the MSI-X entry, 0 for MSI. What the function does not have is ignored. */
export function receiveDeviceMessage(index: u32, message: u32): void {
  if (index >= functionCount()) return;
  if (messageTable(index).count != 0) sendMsiX(index, message);
  else if (message == 0) sendMsi(index);
}
