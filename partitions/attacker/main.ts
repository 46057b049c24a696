// Attack partition: tries what no partition may do, and says what came of it, one line an attack:
//
//   attack NAME: faulted #GP            the instruction met that exception
//   attack NAME: read ffffffff          it was carried out and gave that value
//   attack NAME: completed              it was carried out
//
// Command line: attacks as words, in their order; "all" stands for each that lets the partition go on.
//
//   read:ADDRESS  write:ADDRESS  execute:ADDRESS     memory at a guest-physical address
//   rdmsr:INDEX  wrmsr:INDEX:VALUE                   a model-specific register
//   in:PORT  out:PORT:VALUE                          a byte at a port
//   out16:PORT:VALUE                                 two bytes at a port
//   shutdown                                         "Shutdown" to Bochs' port 0x8900, which ends Bochs
//   vmxon  triple-fault  spin                        spin: loops for ever with interrupts off
//   shadow-spin                                      the same, closing them anew each time round
//   delay:MILLISECONDS                               no attack: lets the others go on until then

import { attackList } from "./list";
import { runAttack } from "./run";
import { endOfWord, findWord, readCommandLine, startsWith } from "../runtime/command-line";
import { print, printLine } from "../runtime/console";

export function main(): void {
  const commandLine = readCommandLine();
  const isAll = load<u8>(findWord(commandLine)) == 0 || startsWith(findWord(commandLine), "all");
  runAttacks(isAll ? attackList() : commandLine);
  print("attack: over");
  printLine();
}

function runAttacks(text: usize): void {
  let word = findWord(text);
  while (load<u8>(word) != 0) {
    const end = endOfWord(word);
    const next = findWord(end);
    const isLast = load<u8>(next) == 0;
    store<u8>(end, 0);
    runAttack(word);
    if (isLast) return;
    word = next;
  }
}
