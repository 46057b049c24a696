// Drives the virtual disk as a driver does, and as one that means harm. Words of the command line, in their order:
//
//   read:SECTOR            says the first word of a sector
//   write:SECTOR:VALUE     writes a sector that begins with it
//   keep:SECTOR:VALUE      writes it and restarts the partition; after that, says whether the value is there
//   from:ADDRESS           writes sector 0 from a buffer at any address, and says the answer and what the disk has then
//   to:ADDRESS             reads sector 0 to a buffer at any address
//   pin:SECTOR             reads it, by the interrupts of the disk's pin; says how many came until the ISR status was read
//   loop                   a chain of descriptors without end

import { Hypercall } from "../../kernel/policy/layout";
import { endOfWord, findWord, parseNumber, readCommandLine, startsWith } from "../runtime/command-line";
import { print, printDecimal, printHex, printLine } from "../runtime/console";
import { hypercall } from "../runtime/hypervisor";
import { diskSectors, openDisk } from "./device";
import { readByPin } from "./pin";
import { Answer, DATA, Request, request, requestLoop } from "./request";
import { readWord, writeWord } from "./words";

const COLON: u8 = 58;

export function main(): void {
  print("disk: ");
  if (!openDisk()) {
    print("none");
    printLine();
    return;
  }
  printDecimal(diskSectors());
  print(" sectors");
  printLine();
  for (let word = findWord(readCommandLine()); load<u8>(word) != 0; word = findWord(endOfWord(word))) runWord(word);
  print("disk: over");
  printLine();
}

function runWord(word: usize): void {
  const first = operand(word, 1);
  const second = operand(word, 2);
  if (startsWith(word, "read:")) report("read", readSector(first));
  else if (startsWith(word, "write:")) report("write", writeSector(first, <u32>second));
  else if (startsWith(word, "keep:")) keep(first, <u32>second);
  else if (startsWith(word, "from:")) report("from", request(Request.Out, 0, first));
  else if (startsWith(word, "to:")) report("to", request(Request.In, 0, first));
  else if (startsWith(word, "pin:")) reportPin(first);
  else if (startsWith(word, "loop")) report("loop", requestLoop());
}

/** Number behind the nth colon, 0 if the word has fewer. */
function operand(word: usize, ordinal: u32): u64 {
  const end = endOfWord(word);
  for (let at = word; at < end; at++) {
    if (load<u8>(at) != COLON) continue;
    ordinal--;
    if (ordinal == 0) return parseNumber(at + 1);
  }
  return 0;
}

function readSector(sector: u64): Answer {
  writeWord(DATA, 0);
  return request(Request.In, sector, DATA);
}

function writeSector(sector: u64, value: u32): Answer {
  writeWord(DATA, value);
  return request(Request.Out, sector, DATA);
}

function reportPin(sector: u64): void {
  const interrupts = readByPin(sector);
  print("disk: pin interrupts ");
  printDecimal(interrupts);
  print(", data ");
  printHex(readWord(DATA));
  printLine();
}

/** The run after the restart finds the value that this one leaves. */
function keep(sector: u64, value: u32): void {
  readSector(sector);
  if (readWord(DATA) == value) {
    print("disk: kept");
    printLine();
    return;
  }
  report("keep", writeSector(sector, value));
  hypercall(Hypercall.Reset, 0, 0);
}

/** The answer, and the word at the beginning of the data buffer. */
function report(what: string, answer: Answer): void {
  print("disk: ");
  print(what);
  print(" ");
  print(answerText(answer));
  print(", data ");
  printHex(readWord(DATA));
  printLine();
}

function answerText(answer: Answer): string {
  switch (answer) {
    case Answer.Ok: return "done";
    case Answer.IoError: return "I/O error";
    case Answer.Unsupported: return "unsupported";
    case Answer.NeedsReset: return "needs reset";
    default: return "no answer";
  }
}
