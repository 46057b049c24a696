// A partition on several vCPUs. Its command line says what it does, one word after the other:
//
//   start:N          starts vCPU N, which then takes interrupts
//   ipi:N            sends vCPU N rounds=R interrupts (1000) and says what one took on the average
//   init:N           sends vCPU N an INIT and a SIPI while it runs, and says how often it has started
//   init-all         sends all others an INIT and nothing more, and says whether vCPU 1 still counts
//   nmi:N            starts vCPU N, which halts with interrupts off, and wakes it by an NMI
//   shoot-down:N     unmaps a page that vCPU N reads, and says what its reads meet before and after an NMI that has it flush: 0 and #PF, 14
//   off:N  fault:N  reset:N  halt:N  init-boot:N    vCPU N powers the partition off, ends by a triple fault, resets the partition's
//                    machine, halts for good like vCPU 0 after it, or sends vCPU 0 an INIT. What follows is not reached

import { Hypercall } from "../../kernel/policy/layout";
import { writeMsr, writePort8 } from "../runtime/attempt";
import { endOfWord, findWord, numberOption, parseNumber, readCommandLine, startsWith } from "../runtime/command-line";
import { print, printBytes, printDecimal, printLine } from "../runtime/console";
import { hypercall } from "../runtime/hypervisor";
import { enableLocalApic } from "../runtime/local-apic";
import { haltForGood, measureIpi, pause, startProcessor, takeIpis } from "../runtime/processors";
import { rdtsc, takeInterrupts, tripleFault } from "../runtime/processor";
import { awaitFlush, isUnmappedHere, mapPage, nextRead, readPage, unmapPage } from "./shoot-down";

const enum Task { TakeIpis = 1, PowerOff = 2, TripleFault = 3, Reset = 4, Halt = 5, InitBoot = 6, Count = 7, ReadPage = 8 }

const MSR_X2APIC_COMMAND: u32 = 0x830;
const INIT: u64 = 0x4500;
const NMI: u64 = 0x4400;
const ALL_OTHERS: u64 = 3 << 18;
const NMI_VECTOR: u32 = 2;
const COLON: u8 = 58;
const RESET_CONTROL: u32 = 0xcf9;
const ROUNDS: u32 = 1000;
/** TSC ticks in which a vCPU that runs counts on. */
const WHILE: u64 = 400_000;

/** What the next vCPU that starts is to do; starts, rounds and woken counts of all. */
const task: usize = memory.data(4, 4);
const starts: usize = memory.data(4, 4);
const count: usize = memory.data(4, 4);

/** Any vCPU but the first. */
export function processor(identifier: u32): void {
  store<u32>(starts, load<u32>(starts) + 1);
  enableLocalApic();
  switch (load<u32>(task)) {
    case Task.TakeIpis: return takeIpis();
    case Task.PowerOff: { hypercall(Hypercall.PowerOff, 0, 0); break; }
    case Task.TripleFault: return tripleFault();
    case Task.Reset: { writePort8(RESET_CONTROL, 6); break; }
    case Task.InitBoot: { writeMsr(MSR_X2APIC_COMMAND, INIT); break; }
    case Task.Count: return countOn();
    case Task.ReadPage: return readPage();
  }
  haltForGood();
}

function countOn(): void {
  while (true) {
    store<u32>(count, load<u32>(count) + 1);
    pause();
  }
}

export function main(): void {
  enableLocalApic();
  const rounds = max<u32>(1, <u32>numberOption("rounds=", ROUNDS));
  let word = findWord(readCommandLine());
  while (load<u8>(word) != 0) {
    const end = endOfWord(word);
    const next = findWord(end);
    const isLast = load<u8>(next) == 0;
    store<u8>(end, 0);
    run(word, rounds);
    if (isLast) return;
    word = next;
  }
}

function run(word: usize, rounds: u32): void {
  const vcpu = operand(word);
  if (startsWith(word, "start:")) report(word, launch(vcpu, Task.TakeIpis));
  else if (startsWith(word, "ipi:")) reportLatency(vcpu, rounds);
  else if (startsWith(word, "init:")) report(word, launch(vcpu, Task.TakeIpis));
  else if (startsWith(word, "init-all")) report(word, stopCounting());
  else if (startsWith(word, "nmi:")) report(word, wake(vcpu));
  else if (startsWith(word, "shoot-down:")) shootDown(word, vcpu);
  else if (startsWith(word, "off:")) leave(vcpu, Task.PowerOff);
  else if (startsWith(word, "fault:")) leave(vcpu, Task.TripleFault);
  else if (startsWith(word, "reset:")) leave(vcpu, Task.Reset);
  else if (startsWith(word, "halt:")) leave(vcpu, Task.Halt);
  else if (startsWith(word, "init-boot:")) leave(vcpu, Task.InitBoot);
}

/** Has a vCPU do `what`; returns how many have started then. */
function launch(vcpu: u32, what: Task): u32 {
  const before = load<u32>(starts);
  store<u32>(task, what);
  startProcessor(vcpu);
  while (load<u32>(starts) == before) pause();
  return load<u32>(starts);
}

function leave(vcpu: u32, what: Task): void {
  print("smp: over to the other one");
  printLine();
  launch(vcpu, what);
  haltForGood();
}

function reportLatency(vcpu: u32, rounds: u32): void {
  measureIpi(vcpu, rounds); // fills caches and translations
  print("bench exit.ipi ");
  printDecimal((measureIpi(vcpu, rounds) + rounds / 2) / rounds);
  printLine();
}

/** An INIT without a SIPI takes vCPU 1 out of its loop: returns how far it counts from then on. */
function stopCounting(): u32 {
  launch(1, Task.Count);
  passTime();
  if (load<u32>(count) == 0) return u32.MAX_VALUE;
  writeMsr(MSR_X2APIC_COMMAND, ALL_OTHERS | INIT);
  passTime();
  const first = load<u32>(count);
  passTime();
  return load<u32>(count) - first;
}

/** An NMI to a vCPU that halts with interrupts off: returns how many its handler took. */
function wake(vcpu: u32): u32 {
  launch(vcpu, Task.Halt);
  passTime();
  takeInterrupts(NMI_VECTOR);
  writeMsr(MSR_X2APIC_COMMAND, (<u64>vcpu << 32) | NMI);
  passTime();
  return takeInterrupts(NMI_VECTOR);
}

function shootDown(word: usize, vcpu: u32): void {
  mapPage();
  launch(vcpu, Task.ReadPage);
  report(word, nextRead());
  unmapPage();
  if (!isUnmappedHere()) return;
  writeMsr(MSR_X2APIC_COMMAND, (<u64>vcpu << 32) | NMI);
  awaitFlush();
  report(word, nextRead());
}

function passTime(): void {
  const end = rdtsc() + WHILE;
  while (rdtsc() < end) pause();
}

function report(word: usize, value: u32): void {
  print("smp: ");
  printBytes(word);
  print(" ");
  printDecimal(value);
  printLine();
}

/** Number behind the colon. */
function operand(word: usize): u32 {
  for (let at = word; load<u8>(at) != 0; at++) {
    if (load<u8>(at) == COLON) return <u32>parseNumber(at + 1);
  }
  return 0;
}
