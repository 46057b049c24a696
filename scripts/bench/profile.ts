// `bulkhead bench --profile`: where the instructions of an exit go, from a trace of every one of them.

import path from "node:path";
import { kernelElf, projectPath } from "../build/paths.ts";
import { run } from "../build/process.ts";
import { UserError } from "../error.ts";
import { runSystem } from "./machine.ts";
import { mnemonic, parseTrace, shortestExit, type Exit, type Step } from "./trace.ts";

const SYSTEM = path.join(import.meta.dirname, "profile-system.ts");
const CAUSES: readonly string[] = ["cpuid", "vmcall", "rdmsr"];
/** Symbol of HOST_RIP, boot/vm-exit.S. */
const HOST_RIP = "vm_exit";
/** Enough for the partition's exits of all kinds. */
const TRACED_INSTRUCTIONS = 40_000;

interface Symbol {
  name: string;
  address: bigint;
}

/** A table for each kind of exit: function, kind of instruction, number. */
export async function profileExits(): Promise<string> {
  const symbols = await textSymbols();
  const hostRip = symbols.find(({ name }) => name === HOST_RIP)?.address;
  if (hostRip === undefined) throw new UserError(`${projectPath(kernelElf)} has no symbol ${HOST_RIP}`, "Build it anew: delete build/, then `npm run build`.");
  const commands = [`lb 0x${hostRip.toString(16)}`, "c", "d 1", "trace on", `s ${TRACED_INSTRUCTIONS}`, "q"];
  const exits = parseTrace((await runSystem(SYSTEM, { debuggerCommands: commands })).output, hostRip);
  return CAUSES.map((cause) => describe(cause, shortestExit(exits, cause), symbols)).join("\n");
}

function describe(cause: string, exit: Exit | undefined, symbols: readonly Symbol[]): string {
  if (exit === undefined) throw new UserError(`the trace holds no exit by ${cause}`, "Trace more instructions: TRACED_INSTRUCTIONS in scripts/bench/profile.ts.");
  const counts = new Map<string, number>();
  for (const step of exit.steps) {
    const key = `${functionOf(step, symbols).padEnd(48)}${kindOf(step)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const rows = [...counts].map(([key, count]) => `${String(count).padStart(6)}  ${key}`);
  return [`${cause}: ${exit.steps.length} instructions from HOST_RIP to VMRESUME`, ...rows, ""].join("\n");
}

function kindOf({ text }: Step): string {
  const name = mnemonic(text);
  if (name.startsWith("vm")) return name;
  if (name.startsWith("j") || name === "call" || name === "ret") return "jumps and calls";
  if (name === "push" || name === "pop") return "push and pop";
  if (/^xor (\w+), \1$/.test(text)) return "clearing of registers";
  return text.includes("[") || text.includes("gs:") ? "memory" : "registers";
}

function functionOf(step: Step, symbols: readonly Symbol[]): string {
  const name = symbols.findLast(({ address }) => address <= step.address)?.name ?? "unknown";
  return name.replace(/^w2c_/, "").replaceAll("0x2F", "/").replaceAll("0x2D", "-");
}

/** Functions of the kernel in the order of their addresses. */
async function textSymbols(): Promise<Symbol[]> {
  const names = await run("llvm-nm", ["--numeric-sort", "--defined-only", kernelElf], "Build it anew: delete build/, then `npm run build`.");
  return [...names.matchAll(/^([0-9a-f]{16}) [tT] (\S+)$/gm)].map((match) => ({ address: BigInt(`0x${match[1]}`), name: match[2] ?? "" }));
}
