// Outcome of the access that is being answered.

import { AccessStatus, Mailbox } from "../interface";

export function setStatus(status: AccessStatus): void {
  store<u32>(Mailbox.Status, <u32>status);
}

/** Nothing answers: the status says so and the read gives all ones. */
export function openBus(): u32 {
  setStatus(AccessStatus.OpenBus);
  return 0xffffffff;
}
