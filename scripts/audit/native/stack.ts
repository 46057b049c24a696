// Worst-case stack of each entry point: the deepest sum of frames over the call graph of the image.

import type { Violation } from "../violation.ts";
import { callees, indirectTransfers, type Instruction, type NativeFunction } from "./disassembly.ts";
import type { StackUse } from "./stack-usage.ts";

const RULE = "stack";
const WORD = 8;

export interface DeepestPath {
  /** Bytes with all return addresses. */
  bytes: number;
  /** From the entry point down. */
  path: string[];
}

export class StackGraph {
  readonly #functions: ReadonlyMap<string, NativeFunction>;
  readonly #uses: ReadonlyMap<string, StackUse>;
  readonly #known = new Map<string, DeepestPath>();
  readonly #searching: string[] = [];
  readonly violations: Violation[] = [];

  /** `uses` are clang's numbers; assembler functions are measured by their own instructions. */
  constructor(functions: ReadonlyMap<string, NativeFunction>, uses: readonly StackUse[]) {
    this.#functions = functions;
    this.#uses = new Map(uses.map((use) => [use.function, use]));
  }

  /** Stack from the call of this function on, the return address included. */
  deepest(name: string): DeepestPath {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const begin = this.#searching.indexOf(name);
    if (begin >= 0) {
      this.#refuse(name, `calls itself in the machine code: ${[...this.#searching.slice(begin), name].join(" -> ")}: the stack has no bound`);
      return { bytes: 0, path: [name] };
    }
    this.#searching.push(name);
    const result = this.#measure(name);
    this.#searching.pop();
    this.#known.set(name, result);
    return result;
  }

  #measure(name: string): DeepestPath {
    const function_ = this.#functions.get(name);
    if (function_ === undefined) {
      this.#refuse(name, "is not in the image");
      return { bytes: 0, path: [name] };
    }
    const use = this.#uses.get(name);
    if (use !== undefined) this.#checkFrame(function_, use);
    const own = WORD + Math.max(use?.bytes ?? 0, deepestPush(function_.instructions));
    const below = callees(function_).map((callee) => this.deepest(callee));
    const worst = below.reduce<DeepestPath>((left, right) => (right.bytes > left.bytes ? right : left), { bytes: 0, path: [] });
    return { bytes: own + worst.bytes, path: [name, ...worst.path] };
  }

  #checkFrame(function_: NativeFunction, use: StackUse): void {
    if (use.dynamic) this.#refuse(function_.name, "has a frame of variable size: the stack has no bound");
    for (const { mnemonic, operands } of indirectTransfers(function_)) {
      if (mnemonic.startsWith("call")) this.#refuse(function_.name, `calls through ${operands} in the machine code: the stack has no bound`);
    }
  }

  #refuse(name: string, message: string): void {
    if (this.violations.some((violation) => violation.function === name && violation.message === message)) return;
    this.violations.push({ rule: RULE, function: name, message });
  }
}

/** Checks an entry point against the stack it is given. */
export function checkStack(entry: string, deepest: DeepestPath, given: number): Violation[] {
  if (deepest.bytes <= given) return [];
  return [{ rule: RULE, function: entry, message: `takes ${deepest.bytes} bytes of stack and has ${given}: ${deepest.path.join(" -> ")}` }];
}

/** Bytes that a straight reading of the instructions pushes at most. */
function deepestPush(instructions: readonly Instruction[]): number {
  let depth = 0;
  let deepest = 0;
  for (const { mnemonic, operands } of instructions) {
    depth += change(mnemonic, operands);
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

function change(mnemonic: string, operands: string): number {
  if (mnemonic.startsWith("push")) return WORD;
  if (mnemonic.startsWith("pop")) return -WORD;
  const amount = /^\$(-?(?:0x)?[0-9a-f]+), %rsp$/.exec(operands)?.[1];
  if (amount === undefined) return 0;
  if (mnemonic.startsWith("sub")) return Number(amount);
  if (mnemonic.startsWith("add")) return -Number(amount);
  return 0;
}
