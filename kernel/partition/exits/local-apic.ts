// Exits of a local APIC that the processor virtualises. Both come after the instruction: the guest goes on where it is.

import { currentVcpu } from "../current";
import { apicEndOfInterrupt, apicWrite } from "../monitor";
import { settleMonitorCall } from "../monitor-call";
import { enterMonitor } from "../monitor-lock";

/** The guest wrote the register at `offset`. */
export function onApicWrite(offset: u32): void {
  if (!enterMonitor()) return;
  apicWrite(currentVcpu(), offset);
  settleMonitorCall();
}

/** The guest ended the level-triggered interrupt `vector`. */
export function onEndOfInterrupt(vector: u32): void {
  if (!enterMonitor()) return;
  apicEndOfInterrupt(currentVcpu(), vector);
  settleMonitorCall();
}
