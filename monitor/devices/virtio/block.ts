// Block requests (virtio 1.2 5.2.6), carried out piece by piece on the disk's image.

import { isDiskReadOnly } from "../../configuration";
import { copyImage, copyToDisk, Image, imageSize, load8, store8 } from "../../imports";
import { firstWritableSegment, gatherChain, lastWritableByte, readableBytes, segmentAt, segmentCount, writableBytes } from "./chain";
import { putUsed } from "./queue";
import { BlockConfiguration, Feature, RequestStatus, RequestType } from "./register";

const SECTOR_SHIFT: u32 = 9;
const SECTOR_SIZE: u32 = 1 << SECTOR_SHIFT;
/** Type, reserved, sector. */
const HEADER_SIZE: u64 = 16;
const SECTOR_OFFSET: u32 = 8;
/** Data segments that a request may have: a queue of 256 less header and status. */
const SEGMENT_MAXIMUM: u32 = 254;
const IDENTITY_SIZE: u64 = 20;
const IDENTITY = "bulkhead disk";
const HEADER = memory.data(16, 8);

let isActive: bool = false;
let head: u32 = 0;
let type: u32 = 0;
let result: RequestStatus = RequestStatus.Ok;
/** Byte of the disk that comes next, and bytes of data that remain. */
let place: u64 = 0;
let remaining: u64 = 0;
/** Where the data continues: a segment and an offset in it. */
let segment: u32 = 0;
let offset: u64 = 0;
/** Bytes written into the chain from its first writable byte on. */
let written: u64 = 0;

/** Sectors of 512 bytes. */
function capacity(): u64 {
  return imageSize(Image.Disk) >> SECTOR_SHIFT;
}

/** Feature bits 0 to 31 of the device itself. */
export function blockFeatures(): u32 {
  const readOnly: u32 = isDiskReadOnly() ? Feature.ReadOnly : 0;
  return <u32>Feature.SegmentMaximum | <u32>Feature.BlockSize | <u32>Feature.Flush | readOnly;
}

/** A 32-bit word of the device's configuration. */
export function blockConfiguration(word: u32): u32 {
  switch (word) {
    case BlockConfiguration.Capacity: return <u32>capacity();
    case BlockConfiguration.Capacity + 4: return <u32>(capacity() >> 32);
    case BlockConfiguration.SegmentMaximum: return SEGMENT_MAXIMUM;
    case BlockConfiguration.BlockSize: return SECTOR_SIZE;
    default: return 0;
  }
}

export function resetRequest(): void {
  isActive = false;
}

export function isRequestActive(): bool {
  return isActive;
}

/** Begins the request whose chain starts at descriptor `first`; false if there is no way to answer it. */
export function beginRequest(first: u32, allowsIndirect: bool): bool {
  if (!gatherChain(first, allowsIndirect)) return false;
  if (readableBytes() < HEADER_SIZE || writableBytes() == 0) return false;
  segment = 0;
  offset = 0;
  readHeader();
  isActive = true;
  head = first;
  type = load<u32>(HEADER);
  result = RequestStatus.Ok;
  remaining = 0;
  written = 0;
  prepare();
  return true;
}

/** The header may be spread over any segments (virtio 1.2 2.7.4). */
function readHeader(): void {
  for (let index: u32 = 0; index < <u32>HEADER_SIZE; index++) {
    while (offset == segmentAt(segment).length) nextSegment();
    store<u8>(HEADER + index, load8(segmentAt(segment).address + offset));
    offset++;
  }
}

function nextSegment(): void {
  segment++;
  offset = 0;
}

function prepare(): void {
  switch (type) {
    case RequestType.In:
      toWritable();
      prepareTransfer(writableBytes() - 1);
      return;
    case RequestType.Out:
      if (isDiskReadOnly()) result = RequestStatus.IoError;
      else prepareTransfer(readableBytes() - HEADER_SIZE);
      return;
    case RequestType.Flush: // what was written is on the disk already
      return;
    case RequestType.GetId:
      toWritable();
      writeIdentity();
      return;
    default:
      result = RequestStatus.Unsupported;
  }
}

function toWritable(): void {
  segment = firstWritableSegment();
  offset = 0;
}

/** Whole sectors that the disk has, or nothing. */
function prepareTransfer(length: u64): void {
  const sector = load<u64>(HEADER, SECTOR_OFFSET);
  const size = capacity();
  if (length % SECTOR_SIZE != 0 || sector > size || length >> SECTOR_SHIFT > size - sector) {
    result = RequestStatus.IoError;
    return;
  }
  place = sector << SECTOR_SHIFT;
  remaining = length;
}

/** The device's name, padded with zeros. */
function writeIdentity(): void {
  const length = min<u64>(writableBytes() - 1, IDENTITY_SIZE);
  while (written < length) {
    while (offset == segmentAt(segment).length) nextSegment();
    const index = <i32>written;
    store8(segmentAt(segment).address + offset, index < IDENTITY.length ? <u8>IDENTITY.charCodeAt(index) : 0);
    offset++;
    written++;
  }
}

/** Moves at most `limit` bytes of one segment; returns how many. To be called until isTransferring() is false. */
export function transferPiece(limit: u64): u64 {
  while (offset == segmentAt(segment).length) nextSegment();
  const length = min<u64>(min<u64>(segmentAt(segment).length - offset, remaining), limit);
  const gpa = segmentAt(segment).address + offset;
  const isDone = type == RequestType.In ? copyImage(gpa, Image.Disk, place, length) : copyToDisk(gpa, place, length);
  if (!isDone) {
    result = RequestStatus.IoError;
    remaining = 0;
    return length;
  }
  offset += length;
  place += length;
  remaining -= length;
  if (type == RequestType.In) written += length;
  return length;
}

export function isTransferring(): bool {
  return remaining != 0;
}

/** Segments of the request. */
export function requestSegments(): u32 {
  return segmentCount();
}

/** Leaves the status in the last byte and hands the chain back. */
export function finishRequest(): void {
  store8(lastWritableByte(), <u8>result);
  if (written + 1 == writableBytes()) written++;
  isActive = false;
  putUsed(head, <u32>written);
}
