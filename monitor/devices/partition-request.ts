// What the guest asks of the kernel: power-off or reset of its partition.

import { Mailbox, PartitionRequest } from "../interface";

export function requestPartition(request: PartitionRequest): void {
  store<u32>(Mailbox.Request, <u32>request);
}

export function clearPartitionRequest(): void {
  store<u32>(Mailbox.Request, <u32>PartitionRequest.None);
}
