// console.wasm on a simulated machine, with the bounds that boot/console.c sets, and the way of kernel and planner to it.

import { readFileSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import { compileEntry } from "./compile.ts";
import type { PhysicalMemory } from "./physical-memory.ts";
import type { PortSpace } from "./port-space.ts";
import { enumReader } from "./source-enums.ts";

type Imports = Record<string, (...parameters: never[]) => unknown>;
type Call = (...parameters: (number | bigint)[]) => number | undefined;

const CONSOLE = await compileEntry("console/main.ts", "console");
const FONT = readFileSync(path.join(projectDirectory, "console/framebuffer-font.bin"));
const grant = enumReader("kernel/console/interface.ts", "ConsoleGrant");
const RINGS = grant("Rings");
const SCREEN = grant("Screen");

/** Exports of console/main.ts. */
const ENTRY_POINTS = [
  "open", "placeScreen", "closeScreen", "put", "flush", "beginFatal", "attach", "register", "giveKeyboard", "startInput", "putPartition",
  "interrupt", "drain", "drainCompletely", "withdraw",
];

export class ConsoleHost {
  /** A fault ended it: calls return 0. */
  faulted = false;
  /** Base and size by ConsoleGrant. */
  readonly grants = Array.from({ length: grant("Count") }, () => ({ base: 0, size: 0 }));
  private readonly instance: WebAssembly.Instance;

  /** `announce` prints what the floor says when the console faults. */
  constructor(private readonly memory: PhysicalMemory, ports: PortSpace, private readonly announce: (text: string) => void, module = CONSOLE) {
    const imports = { port: portImports(ports), ring: this.ringImports(), screen: this.screenImports(), font: { load8: (index: number) => FONT[index >>> 0] ?? 0 } };
    this.instance = new WebAssembly.Instance(module, imports as unknown as WebAssembly.Imports);
  }

  /** The `console` imports; `check` refuses what the importing module may not grant. */
  imports(check: (base: bigint, size: bigint) => void = () => {}): Imports {
    return {
      ...Object.fromEntries(ENTRY_POINTS.map((name) => [name, (...parameters: never[]) => this.call(name, parameters)] as const)),
      grant: (number: number, base: bigint, size: bigint) => {
        check(base, size);
        this.grants[number] = { base: Number(BigInt.asUintN(64, base)), size: Number(BigInt.asUintN(64, size)) };
      },
      faulted: () => (this.faulted ? 1 : 0),
    };
  }

  /** A trap in the console cuts the call short and is its last, as in the boot floor. */
  call(name: string, parameters: (number | bigint)[]): number {
    if (this.faulted) return 0;
    try {
      return (this.instance.exports[name] as Call)(...parameters) ?? 0;
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      this.faulted = true;
      this.announce("\n[bulkhead] fault in the console, which ends:\n");
      return 0;
    }
  }

  /** Physical address of bytes of a grant, undefined unless all of them are granted. */
  private place(number: number, offset: number, length: number): number | undefined {
    const { base, size } = this.grants[number]!;
    return offset + length <= size ? base + offset : undefined;
  }

  private ringImports(): Imports {
    const load = (offset: number, size: number): number => {
      const address = this.place(RINGS, offset >>> 0, size);
      return address === undefined ? 0 : Number(this.memory.read(address, size));
    };
    const store = this.storer(RINGS);
    return {
      load16: (offset: number) => load(offset, 2),
      load32: (offset: number) => load(offset, 4),
      store8: (offset: number, value: number) => store(offset >>> 0, 1, BigInt(value)),
      store32: (offset: number, value: number) => store(offset >>> 0, 4, BigInt(value)),
      compareExchange32: (offset: number, expected: number, value: number) => {
        if (load(offset, 4) === expected >>> 0) store(offset >>> 0, 4, BigInt(value));
      },
    };
  }

  private screenImports(): Imports {
    const store = this.storer(SCREEN);
    return Object.fromEntries([1, 2, 8].map((size) => [`store${size * 8}`, (offset: bigint, value: number | bigint) => store(Number(BigInt.asUintN(64, offset)), size, BigInt(value))]));
  }

  private storer(number: number): (offset: number, size: number, value: bigint) => void {
    return (offset, size, value) => {
      const address = this.place(number, offset, size);
      if (address !== undefined) this.memory.write(address, size, BigInt.asUintN(size * 8, value));
    };
  }
}

/** COM1 and the debug console, and no other port. */
function portImports(ports: PortSpace): Imports {
  const mayReach = (port: number): boolean => port === 0xe9 || (port >= 0x3f8 && port < 0x400);
  return {
    in8: (port: number) => (mayReach(port & 0xffff) ? ports.read(port & 0xffff, 1) : 0xff),
    out8: (port: number, value: number) => {
      if (mayReach(port & 0xffff)) ports.write(port & 0xffff, 1, value & 0xff);
    },
  };
}
