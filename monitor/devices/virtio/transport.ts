// The first page of the disk's BAR (virtio 1.2 4.1.4): common configuration, ISR status, device configuration, notification.

import { blockConfiguration } from "./block";
import { deviceStatus, driverFeatures, offeredFeatures, resetDevice, serveQueue, setDriverFeatures, writeDeviceStatus } from "./device";
import { configurationVector, queueVector, setConfigurationVector, setQueueVector, takeIsr } from "./interrupt";
import { enableQueue, isQueueEnabled, queueAddressWord, queueSize, setQueueAddressWord, setQueueSize } from "./queue";
import { Common, Region } from "./register";

const QUEUES: u32 = 1;
const HALF: u32 = 16;
const LOW_HALF: u32 = 0xffff;
const STATUS_BITS: u32 = 0xff;

let featureSelect: u32 = 0;
let driverFeatureSelect: u32 = 0;
let queueSelect: u32 = 0;

export function resetTransport(): void {
  resetSelectors();
  resetDevice();
}

function resetSelectors(): void {
  featureSelect = 0;
  driverFeatureSelect = 0;
  queueSelect = 0;
}

/** Registers of a queue that there is not read 0. */
function readQueue(word: u32): u32 {
  if (queueSelect >= QUEUES) return 0;
  if (word == Common.QueueSize) return queueSize() | (queueVector() << HALF);
  if (word == Common.QueueEnable) return isQueueEnabled() ? 1 : 0;
  return queueAddressWord((word - Common.QueueAddresses) >> 2);
}

function readCommon(word: u32): u32 {
  switch (word) {
    case Common.DeviceFeatureSelect: return featureSelect;
    case Common.DeviceFeature: return offeredFeatures(featureSelect);
    case Common.DriverFeatureSelect: return driverFeatureSelect;
    case Common.DriverFeature: return driverFeatures(driverFeatureSelect);
    case Common.ConfigVector: return configurationVector() | (QUEUES << HALF);
    case Common.Status: return deviceStatus() | (queueSelect << HALF);
    default: return word < <u32>Common.Size ? readQueue(word) : 0;
  }
}

function writeQueue(word: u32, mask: u32, value: u32): void {
  if (queueSelect >= QUEUES) return;
  if (word == Common.QueueSize) {
    if ((mask & LOW_HALF) != 0) setQueueSize(value & LOW_HALF);
    if (mask > LOW_HALF) setQueueVector(value >> HALF);
  } else if (word == Common.QueueEnable) {
    if ((mask & value & LOW_HALF) == 1) enableQueue();
  } else {
    setQueueAddressWord((word - Common.QueueAddresses) >> 2, value);
  }
}

function writeStatus(mask: u32, value: u32): void {
  if (mask > LOW_HALF) queueSelect = value >> HALF;
  if ((mask & STATUS_BITS) == 0) return;
  if ((value & STATUS_BITS) == 0) resetSelectors();
  writeDeviceStatus(value & STATUS_BITS);
}

/** `value` has the bits in `mask` from the driver and the others as they are. */
function writeCommon(word: u32, mask: u32, value: u32): void {
  switch (word) {
    case Common.DeviceFeatureSelect:
      featureSelect = value;
      return;
    case Common.DriverFeatureSelect:
      driverFeatureSelect = value;
      return;
    case Common.DriverFeature:
      setDriverFeatures(driverFeatureSelect, value);
      return;
    case Common.ConfigVector:
      if ((mask & LOW_HALF) != 0) setConfigurationVector(value & LOW_HALF);
      return;
    case Common.Status:
      writeStatus(mask, value);
      return;
    default:
      if (word >= <u32>Common.QueueSize && word < <u32>Common.Size) writeQueue(word, mask, value);
  }
}

function readWord(word: u32): u32 {
  if (word < <u32>Region.Isr) return readCommon(word);
  if (word == Region.Isr) return takeIsr();
  return word >= <u32>Region.Device && word < <u32>Region.Notify ? blockConfiguration(word - Region.Device) : 0;
}

function writeWord(word: u32, mask: u32, value: u32): void {
  if (word < <u32>Region.Isr) writeCommon(word, mask, (readCommon(word) & ~mask) | (value & mask));
  // The number of the queue is written; there is one.
  else if (word == Region.Notify && (value & mask) < QUEUES) serveQueue();
}

function sizeMask(size: u32): u32 {
  return size == 4 ? u32.MAX_VALUE : ((<u32>1) << (size << 3)) - 1;
}

/** Reads 1, 2, 4 or 8 bytes at `offset`, below Region.Size; an access that is not aligned gives nothing useful. */
export function readTransport(offset: u32, size: u32): u64 {
  const word = offset & ~3;
  const low = readWord(word);
  if (size == 8) return <u64>low | (<u64>readWord(word + 4) << 32);
  return (low >> ((offset & 3) << 3)) & sizeMask(size);
}

export function writeTransport(offset: u32, size: u32, value: u64): void {
  const word = offset & ~3;
  if (size == 8) {
    writeWord(word, u32.MAX_VALUE, <u32>value);
    writeWord(word + 4, u32.MAX_VALUE, <u32>(value >> 32));
    return;
  }
  const shift = (offset & 3) << 3;
  writeWord(word, sizeMask(size) << shift, <u32>value << shift);
}
