import { LoadStatus, Mailbox } from "../interface";

/** A status with the number of what it is about: the header flag or tag that the loader does not support. */
export function refuse(status: LoadStatus, detail: u32): LoadStatus {
  store<u32>(Mailbox.LoadDetail, detail);
  return status;
}
