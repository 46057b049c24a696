// Assembles instructions and executes them on this machine's processor.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Where harness.c puts the instruction and its memory operand, two pages. */
export const CODE = 0x10000000n;
export const OPERAND = 0x10010000n;
/** Bytes at the memory operand that a trial gives and gets back. */
export const OPERAND_BYTES = 64;

export interface Trial {
  form: number;
  registers: bigint[];
  flags: bigint;
  /** Of `bytes` in the operand's page. */
  offset: number;
  bytes: Buffer;
}

export interface Result {
  registers: bigint[];
  flags: bigint;
  bytes: Buffer;
}

const RESULT_SIZE = 17 * 8 + OPERAND_BYTES;

/** The instructions of one test, assembled and ready to run. */
export interface Program {
  /** Machine code of each instruction. */
  readonly code: Buffer[];
  run(trials: readonly Trial[]): Result[];
}

/** `instructions` are in AT&T syntax. */
export function buildProgram(instructions: readonly string[]): Program {
  const directory = mkdtempSync(path.join(tmpdir(), "bulkhead-decoder-"));
  try {
    const source = path.join(directory, "forms.S");
    const executable = path.join(directory, "harness");
    const harness = path.join(path.dirname(fileURLToPath(import.meta.url)), "harness.c");
    writeFileSync(source, formsSource(instructions));
    execFileSync("clang", ["--target=x86_64-linux-gnu", "-O1", "-static", "-no-pie", "-o", executable, harness, source], { stdio: "pipe", timeout: 60_000 });
    const binary = readFileSync(executable);
    const code = assemble(instructions, "x86_64", directory);
    return { code, run: (trials) => runBinary(binary, trials) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function runBinary(binary: Buffer, trials: readonly Trial[]): Result[] {
  const directory = mkdtempSync(path.join(tmpdir(), "bulkhead-decoder-"));
  try {
    const executable = path.join(directory, "harness");
    writeFileSync(executable, binary, { mode: 0o755 });
    const output = execFileSync(executable, { input: Buffer.concat(trials.map(encodeTrial)), maxBuffer: 1 << 28, timeout: 60_000 });
    return trials.map((_trial, index) => decodeResult(output.subarray(index * RESULT_SIZE, (index + 1) * RESULT_SIZE)));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Machine code of each instruction for i386 or x86_64; `prologue` may hold `.code16`. */
export function assembleInstructions(instructions: readonly string[], target: "i386" | "x86_64", prologue = ""): Buffer[] {
  const directory = mkdtempSync(path.join(tmpdir(), "bulkhead-decoder-"));
  try {
    return assemble(instructions, target, directory, prologue);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A length byte and 15 bytes of room for each instruction, as a flat binary. */
function assemble(instructions: readonly string[], target: string, directory: string, prologue = ""): Buffer[] {
  const source = path.join(directory, "flat.S");
  const object = path.join(directory, "flat.o");
  const flat = path.join(directory, "flat.bin");
  const lines = instructions.map((text, index) => `.balign 32, 0\n.byte e${index} - s${index}\ns${index}: ${text}\ne${index}:\n`);
  writeFileSync(source, `${prologue}\n.text\n${lines.join("")}.balign 32, 0\n`);
  execFileSync("clang", [`--target=${target}-linux-gnu`, "-c", "-o", object, source], { stdio: "pipe", timeout: 60_000 });
  execFileSync("llvm-objcopy", ["-O", "binary", "--only-section=.text", object, flat], { stdio: "pipe", timeout: 60_000 });
  const bytes = readFileSync(flat);
  return instructions.map((_text, index) => bytes.subarray(index * 32 + 1, index * 32 + 1 + bytes.readUInt8(index * 32)));
}

function formsSource(instructions: readonly string[]): string {
  const code = instructions.map((text, index) => `s${index}: ${text}\ne${index}:\n`);
  const table = instructions.map((_text, index) => `.quad s${index}, e${index}\n`);
  return `.text\n${code.join("")}.section .rodata\n.globl forms\nforms:\n${table.join("")}.section .note.GNU-stack,"",@progbits\n`;
}

function encodeTrial(trial: Trial): Buffer {
  const words = [BigInt(trial.form), ...trial.registers, trial.flags, BigInt(trial.offset)];
  const head = Buffer.alloc(words.length * 8);
  words.forEach((word, index) => head.writeBigUInt64LE(word, index * 8));
  return Buffer.concat([head, trial.bytes]);
}

function decodeResult(bytes: Buffer): Result {
  const word = (index: number): bigint => bytes.readBigUInt64LE(index * 8);
  return { registers: Array.from({ length: 16 }, (_, index) => word(index)), flags: word(16), bytes: bytes.subarray(17 * 8) };
}
