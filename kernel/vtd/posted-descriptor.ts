// A posted-interrupt descriptor before its first use, see posted.ts.

import { clear, store32 } from "../memory/physical";
import { destinationOf } from "./interrupt-remapping";
import { DESCRIPTOR_SIZE, Descriptor, NOTIFICATION_VECTOR_SHIFT } from "./posted";
import { CAP_PI } from "./register";
import { Unit } from "./unit";

/** Whether devices behind the unit can post. Any processor can take what they post by takePosted(). */
export function canPost(unit: Unit): bool {
  return (unit.capability & CAP_PI) != 0;
}

/** Empties the descriptor; posting will send `notificationVector` to the core `apicId`. `extended`: x2APIC form. */
export function prepareDescriptor(descriptor: u64, notificationVector: u32, apicId: u32, extended: bool): void {
  clear(descriptor, DESCRIPTOR_SIZE);
  store32(descriptor + Descriptor.Control, notificationVector << NOTIFICATION_VECTOR_SHIFT);
  store32(descriptor + Descriptor.Destination, destinationOf(apicId, extended));
}
