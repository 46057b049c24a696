// The device as a whole (virtio 1.2 2.1, 2.2, 3.1): status, features, and work on its queue.

import { now } from "../../imports";
import { LEAST_PROGRESS, NEVER, diskDeadline, setDiskDeadline } from "../deadlines";
import { configValue, deviceOf } from "../pci/config-space";
import { DISK_FUNCTION } from "../pci/function-record";
import { Command, Header } from "../pci/register";
import { beginRequest, blockFeatures, finishRequest, isRequestActive, isTransferring, requestSegments, resetRequest, transferPiece } from "./block";
import { notifyConfigurationChange, notifyQueue, resetInterrupts } from "./interrupt";
import { BROKEN_RING, isQueueEnabled, NO_CHAIN, resetQueue, takeChain, wantsInterrupt } from "./queue";
import { DeviceStatus, Feature, HighFeature } from "./register";

/** What one exit may move, in bytes; what remains is done at the next notification or deadline. */
const BUDGET: u64 = 128 * 1024;
/** A segment costs as much as so many bytes. */
const SEGMENT_COST: u64 = 512;

const FEATURE_WORDS: u32 = 2;
const FEATURES = memory.data(8, 4); // FEATURE_WORDS u32

let status: u32 = 0;

/** The state after power-up, and after the driver wrote 0 to the status. */
export function resetDevice(): void {
  status = 0;
  memory.fill(FEATURES, 0, FEATURE_WORDS << 2);
  resetInterrupts();
  resetQueue();
  resetRequest();
  setDiskDeadline(NEVER);
}

export function deviceStatus(): u32 {
  return status;
}

/** Offered feature bits, 32 at a time. */
export function offeredFeatures(word: u32): u32 {
  if (word == 0) return blockFeatures() | Feature.IndirectDescriptors;
  return word == 1 ? <u32>HighFeature.Version1 : 0;
}

/** Feature bits that the driver accepts, 32 at a time. */
export function driverFeatures(word: u32): u32 {
  return word < FEATURE_WORDS ? load<u32>(FEATURES + (word << 2)) : 0;
}

export function setDriverFeatures(word: u32, value: u32): void {
  if (word < FEATURE_WORDS && (status & DeviceStatus.FeaturesOk) == 0) store<u32>(FEATURES + (word << 2), value);
}

/** A driver that wants what is not offered, or the device as it was before version 1, finds FEATURES_OK clear. */
function acceptsFeatures(): bool {
  const isSubset = (driverFeatures(0) & ~offeredFeatures(0)) == 0 && (driverFeatures(1) & ~offeredFeatures(1)) == 0;
  return isSubset && (driverFeatures(1) & HighFeature.Version1) != 0;
}

export function writeDeviceStatus(value: u32): void {
  if (value == 0) {
    resetDevice();
    return;
  }
  const isRefused = (value & DeviceStatus.FeaturesOk) != 0 && (status & DeviceStatus.FeaturesOk) == 0 && !acceptsFeatures();
  const accepted = isRefused ? value & ~DeviceStatus.FeaturesOk : value;
  status = accepted | (status & DeviceStatus.NeedsReset);
}

/** The driver has broken the rings: nothing goes on before it resets the device (virtio 1.2 2.1.2). */
function requireReset(): void {
  status |= DeviceStatus.NeedsReset;
  notifyConfigurationChange();
}

function isRunning(): bool {
  const isLive = (status & (DeviceStatus.DriverOk | DeviceStatus.NeedsReset)) == DeviceStatus.DriverOk;
  return isLive && isQueueEnabled() && (configValue(deviceOf(DISK_FUNCTION), Header.Command) & Command.BusMaster) != 0;
}

/** Takes the next request; false if there is none. */
function nextRequest(): bool {
  const chain = takeChain();
  if (chain == NO_CHAIN) return false;
  const isBegun = chain != BROKEN_RING && beginRequest(chain, (driverFeatures(0) & Feature.IndirectDescriptors) != 0);
  if (!isBegun) requireReset();
  return isBegun;
}

/** Carries out what waits, as far as one exit may take. */
export function serveQueue(): void {
  setDiskDeadline(NEVER);
  if (!isRunning()) return;
  let budget = BUDGET;
  let isAnswered = false;
  while (budget != 0) {
    if (!isRequestActive()) {
      if (!nextRequest()) break;
      budget -= min(budget, <u64>requestSegments() * SEGMENT_COST);
    }
    while (budget != 0 && isTransferring()) budget -= transferPiece(budget);
    if (isTransferring()) break;
    finishRequest();
    isAnswered = true;
  }
  if (budget == 0) setDiskDeadline(now() + LEAST_PROGRESS);
  if (isAnswered && wantsInterrupt()) notifyQueue();
}

/** Goes on with what the last exit left, once it is due. */
export function runDisk(time: u64): void {
  if (time >= diskDeadline()) serveQueue();
}
