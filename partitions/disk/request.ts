// Requests with header, data and status in a descriptor each (virtio 1.2 2.7.5, 5.2.6).

import { AVAILABLE, DESCRIPTORS, QUEUE_SIZE, needsReset, notifyDisk, resetDisk, USED } from "./device";
import { readWord, writeWord } from "./words";

export const enum Request { In = 0, Out = 1 }

/** What came of a request besides the device's own status. */
export const enum Answer { Ok = 0, IoError = 1, Unsupported = 2, NeedsReset = 0x100, None = 0x101 }

const HEADER: u64 = 0x383000;
const STATUS: u64 = 0x383100;
/** Where data lies unless a request says otherwise. */
export const DATA: u64 = 0x384000;
const SECTOR: u32 = 512;
const NEXT: u32 = 1;
const WRITE: u32 = 2;
const NO_STATUS: u32 = 0xee;
const POLLS: u32 = 1000000;

function putDescriptor(index: u32, address: u64, length: u32, flags: u32, next: u32): void {
  const at = DESCRIPTORS + <u64>index * 16;
  writeWord(at, <u32>address);
  writeWord(at + 4, <u32>(address >> 32));
  writeWord(at + 8, length);
  writeWord(at + 12, flags | (next << 16));
}

/** Offers the chain that begins with descriptor 0 and awaits the answer. */
function submit(): Answer {
  const index = readWord(AVAILABLE) >> 16;
  const slot = index % QUEUE_SIZE;
  const word = AVAILABLE + 4 + <u64>(slot >> 1) * 4;
  writeWord(word, 0);
  writeWord(AVAILABLE, (readWord(AVAILABLE) & 0xffff) | (((index + 1) & 0xffff) << 16));
  notifyDisk();
  for (let poll: u32 = 0; poll < POLLS; poll++) {
    if (readWord(USED) >> 16 == ((index + 1) & 0xffff)) return readWord(STATUS) & 0xff;
    if (needsReset()) return Answer.NeedsReset;
  }
  return Answer.None;
}

/** Reads or writes one sector at `address`. */
export function request(type: Request, sector: u64, address: u64): Answer {
  writeWord(HEADER, type);
  writeWord(HEADER + 4, 0);
  writeWord(HEADER + 8, <u32>sector);
  writeWord(HEADER + 12, <u32>(sector >> 32));
  writeWord(STATUS, NO_STATUS);
  putDescriptor(0, HEADER, 16, NEXT, 1);
  putDescriptor(1, address, SECTOR, NEXT | (type == Request.In ? WRITE : 0), 2);
  putDescriptor(2, STATUS, 1, WRITE, 0);
  return submit();
}

/** A chain without end; the device is reset afterwards. */
export function requestLoop(): Answer {
  putDescriptor(0, HEADER, 16, NEXT, 1);
  putDescriptor(1, HEADER, 16, NEXT, 0);
  const answer = submit();
  resetDisk();
  return answer;
}
