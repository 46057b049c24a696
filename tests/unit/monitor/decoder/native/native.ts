// Assembles instructions and executes them on this machine's processor.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Where harness.c puts the instruction and its memory operand, two pages. */
export const CODE = 0x1000f000n;
export const OPERAND = 0x10010000n;
/** Bytes at the memory operand that a trial gives and gets back. */
export const OPERAND_BYTES = 64;

/** Of an image of FXSAVE64. */
export const VECTORS_SIZE = 512;

export type CodeSize = 16 | 32 | 64;

/** Bases of the segments in 16-bit and 32-bit code, as in harness.c. From each, OPERAND is in reach of 16 bits. */
export const SEGMENT_BASES = { es: 0x1000f000n, cs: 0x1000e000n, ss: 0x1000bbc0n, ds: 0x1000dcc0n, fs: 0x1000aaa8n, gs: 0x100099a0n } as const;

export interface Trial {
  form: number;
  /** 64 if not given. */
  codeSize?: CodeSize;
  /** Bases of FS and GS in 64-bit code. */
  fsBase?: bigint;
  gsBase?: bigint;
  registers: bigint[];
  flags: bigint;
  /** Of `bytes` in the operand's page. */
  offset: number;
  bytes: Buffer;
  /** MMX and SSE registers as FXRSTOR64 takes them; all 0 if not given. */
  vectors?: Buffer;
}

export interface Result {
  registers: bigint[];
  flags: bigint;
  bytes: Buffer;
  vectors: Buffer;
}

const BYTES_OFFSET = 17 * 8;
const VECTORS_OFFSET = BYTES_OFFSET + OPERAND_BYTES;
const RESULT_SIZE = VECTORS_OFFSET + VECTORS_SIZE;

/** The instructions of one test, assembled and ready to run. */
export interface Program {
  /** Machine code of each instruction. */
  readonly code: Buffer[];
  run(trials: readonly Trial[]): Result[];
}

/** `instructions` are in AT&T syntax. */
export function buildProgram(instructions: readonly string[], codeSize: CodeSize = 64): Program {
  const code = assembleInstructions(instructions, codeSize === 64 ? "x86_64" : "i386", `.code${codeSize}`);
  return { code, run: (trials) => runTrials(code, trials) };
}

function runTrials(code: readonly Buffer[], trials: readonly Trial[]): Result[] {
  const directory = mkdtempSync(path.join(tmpdir(), "bulkhead-decoder-"));
  try {
    const executable = path.join(directory, "harness");
    const harness = path.join(path.dirname(fileURLToPath(import.meta.url)), "harness.c");
    execFileSync("clang", ["--target=x86_64-linux-gnu", "-O1", "-mfsgsbase", "-static", "-o", executable, harness], { stdio: "pipe", timeout: 60_000 });
    const input = Buffer.concat(trials.map((trial) => encodeTrial(trial, code[trial.form]!)));
    const output = execFileSync(executable, { input, maxBuffer: 1 << 28, timeout: 60_000 });
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

function encodeTrial(trial: Trial, code: Buffer): Buffer {
  const { codeSize = 64, fsBase = 0n, gsBase = 0n, vectors = plainVectors() } = trial;
  const instruction = Buffer.alloc(16);
  code.copy(instruction);
  const head = words([BigInt(codeSize), BigInt(code.length)]);
  return Buffer.concat([head, instruction, words([...trial.registers, trial.flags, fsBase, gsBase, BigInt(trial.offset)]), trial.bytes, vectors]);
}

/** An image for FXRSTOR64 with every exception masked. */
export function plainVectors(): Buffer {
  const image = Buffer.alloc(VECTORS_SIZE);
  image.writeUInt16LE(0x37f, 0);
  image.writeUInt32LE(0x1f80, 24);
  return image;
}

function words(values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, index) => bytes.writeBigUInt64LE(value, index * 8));
  return bytes;
}

function decodeResult(bytes: Buffer): Result {
  const word = (index: number): bigint => bytes.readBigUInt64LE(index * 8);
  return { registers: Array.from({ length: 16 }, (_, index) => word(index)), flags: word(16), bytes: bytes.subarray(BYTES_OFFSET, VECTORS_OFFSET), vectors: bytes.subarray(VECTORS_OFFSET) };
}
