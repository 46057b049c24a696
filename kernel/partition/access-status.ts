// The monitor's answer to the last access.

import { Mailbox } from "../../monitor/interface";
import { peek32 } from "./monitor";

/** AccessStatus of the last access. */
// @ts-ignore: decorator
@inline
export function lastStatus(): u32 { return peek32(Mailbox.Status); }
