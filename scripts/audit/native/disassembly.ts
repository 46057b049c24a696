// Reads `llvm-objdump -d`: the functions of the image, their instructions and what they call.

export interface Instruction {
  address: bigint;
  mnemonic: string;
  operands: string;
  /** Function that a call or jump goes to, if it is named. */
  target: string | null;
}

export interface NativeFunction {
  name: string;
  instructions: Instruction[];
}

const HEADER = /^([0-9a-f]+) <(.+)>:$/;
const INSTRUCTION = /^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$/;
const TARGET = /<([^>+]+)(\+0x[0-9a-f]+)?>/;

/** Parses output made with --no-show-raw-insn. */
export function parseDisassembly(text: string): Map<string, NativeFunction> {
  const functions = new Map<string, NativeFunction>();
  let current: NativeFunction | undefined;
  for (const line of text.split("\n")) {
    const header = HEADER.exec(line);
    if (header !== null) {
      current = { name: header[2] ?? "", instructions: [] };
      functions.set(current.name, current);
      continue;
    }
    const instruction = INSTRUCTION.exec(line);
    if (instruction === null || current === undefined) continue;
    current.instructions.push(parseInstruction(instruction[1] ?? "", instruction[2] ?? "", instruction[3] ?? ""));
  }
  return functions;
}

/** Functions that this one calls or jumps to, other than itself. */
export function callees(function_: NativeFunction): string[] {
  const targets = function_.instructions.flatMap(({ target }) => (target === null || target === function_.name ? [] : [target]));
  return [...new Set(targets)];
}

/** Calls and jumps through a register or memory. */
export function indirectTransfers(function_: NativeFunction): Instruction[] {
  return function_.instructions.filter(({ mnemonic, operands }) => /^(call|jmp)/.test(mnemonic) && operands.includes("*"));
}

function parseInstruction(address: string, mnemonic: string, operands: string): Instruction {
  const transfers = /^(call|j)/.test(mnemonic);
  const target = transfers && !operands.includes("*") ? (TARGET.exec(operands)?.[1] ?? null) : null;
  return { address: BigInt(`0x${address}`), mnemonic, operands: operands.trim(), target };
}
