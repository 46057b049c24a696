// What firmware looks up in CMOS memory beside the clock: sizes of memory and the number of vCPUs (SeaBIOS src/hw/rtc.h).

import { highMemory, lowMemory, vcpuCount } from "../../configuration";
import { setCmos } from "./cmos";

const enum SizeRegister {
  BaseKilobytes = 0x15, // 2 bytes, below 640 KiB
  ExtendedKilobytes = 0x17, // 2 bytes, above 1 MiB
  ExtendedKilobytesAgain = 0x30,
  ExtendedBlocks = 0x34, // 2 bytes, 64 KiB each, from 16 MiB to 4 GiB
  BootOrder = 0x3d,
  HighBlocks = 0x5b, // 3 bytes, 64 KiB each, above 4 GiB
  OtherVcpus = 0x5f,
}

const MEGABYTE: u64 = 0x100000;
const BASE_KILOBYTES: u64 = 640;
const HARD_DISK_FIRST: u32 = 2;

/** After resetRtc(), which clears the CMOS memory. */
export function writeMemorySizes(): void {
  const low = max<u64>(lowMemory(), MEGABYTE);
  const extended = min<u64>((low - MEGABYTE) >> 10, 0xffff);
  setBytes(SizeRegister.BaseKilobytes, BASE_KILOBYTES, 2);
  setBytes(SizeRegister.ExtendedKilobytes, extended, 2);
  setBytes(SizeRegister.ExtendedKilobytesAgain, extended, 2);
  setBytes(SizeRegister.ExtendedBlocks, low > 16 * MEGABYTE ? (low - 16 * MEGABYTE) >> 16 : 0, 2);
  setBytes(SizeRegister.HighBlocks, highMemory() >> 16, 3);
  setCmos(SizeRegister.OtherVcpus, vcpuCount() - 1);
  setCmos(SizeRegister.BootOrder, HARD_DISK_FIRST);
}

function setBytes(at: u32, value: u64, bytes: u32): void {
  for (let byte: u32 = 0; byte < bytes; byte++) setCmos(at + byte, <u32>(value >> (byte << 3)) & 0xff);
}
