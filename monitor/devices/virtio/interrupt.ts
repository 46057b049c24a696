// How the disk interrupts its driver (virtio 1.2 4.1.5.3, 4.1.5.4): by MSI-X. With MSI-X off it leaves its reason in the ISR
// status and asserts its pin until the driver reads it.

import { DISK_FUNCTION } from "../pci/function-record";
import { isMsiXEnabled, sendMsiX } from "../pci/msix";
import { setDiskPin } from "../pci/pin";
import { Isr, MESSAGES, NO_VECTOR } from "./register";

let configuration: u32 = NO_VECTOR;
let queue: u32 = NO_VECTOR;
let isr: u32 = 0;

export function resetInterrupts(): void {
  configuration = NO_VECTOR;
  queue = NO_VECTOR;
  isr = 0;
  updatePin();
}

/** With MSI-X on, the pin is not used. */
export function updatePin(): void {
  setDiskPin(isr != 0 && !isMsiXEnabled(DISK_FUNCTION));
}

export function configurationVector(): u32 {
  return configuration;
}

export function queueVector(): u32 {
  return queue;
}

/** A vector that the table does not have reads back as NO_VECTOR. */
function existing(vector: u32): u32 {
  return vector < MESSAGES ? vector : NO_VECTOR;
}

export function setConfigurationVector(vector: u32): void {
  configuration = existing(vector);
}

export function setQueueVector(vector: u32): void {
  queue = existing(vector);
}

/** Reading the ISR status clears it and releases the pin. */
export function takeIsr(): u32 {
  const value = isr;
  isr = 0;
  updatePin();
  return value;
}

function notify(reason: Isr, vector: u32): void {
  if (isMsiXEnabled(DISK_FUNCTION)) {
    if (vector != NO_VECTOR) sendMsiX(DISK_FUNCTION, vector);
    return;
  }
  isr |= <u32>reason;
  updatePin();
}

export function notifyConfigurationChange(): void {
  notify(Isr.Configuration, configuration);
}

export function notifyQueue(): void {
  notify(Isr.Queue, queue);
}
