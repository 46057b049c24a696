// Bochs' instruction trace, cut into VM exits.

/** An instruction of the kernel on an exit's way. */
export interface Step {
  address: bigint;
  text: string;
}

export interface Exit {
  /** Mnemonic of the guest's instruction that exited. */
  cause: string;
  /** From HOST_RIP to VMRESUME. */
  steps: Step[];
}

/** Clock, physical address, selector and address; then the instruction and its bytes. */
const LINE = /^\(0\)\.\[\d+\] \[0x[0-9a-f]+\] [0-9a-f]{4}:([0-9a-f]{16}) \([^)]*\): (.*?)\s*;/;

export function parseTrace(text: string, hostRip: bigint): Exit[] {
  const exits: Exit[] = [];
  let exit: Exit | null = null;
  let last = "";
  for (const line of text.split("\n")) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const step = { address: BigInt(`0x${match[1]}`), text: match[2] ?? "" };
    if (step.address === hostRip) exit = { cause: mnemonic(last), steps: [] };
    exit?.steps.push(step);
    last = step.text;
    if (exit === null || mnemonic(step.text) !== "vmresume") continue;
    exits.push(exit);
    exit = null;
  }
  return exits;
}

/** The exit by `cause` that took fewest instructions: nothing else was due during it. */
export function shortestExit(exits: readonly Exit[], cause: string): Exit | undefined {
  return exits.filter((exit) => exit.cause === cause).sort((one, other) => one.steps.length - other.steps.length)[0];
}

export function mnemonic(text: string): string {
  return text.split(" ", 1)[0] ?? "";
}
