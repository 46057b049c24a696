// Boots the test kernel of tests/fixtures/vtd in QEMU and takes its output apart, test by test.

import { startQemu, type QemuOptions, type RunResult } from "../emulator/index.ts";
import { buildVtdKernel } from "./vtd-image.ts";

const TIMEOUT_SECONDS = 60;
/** 1024 ns an instruction: the 100 ms that each transfer of an edu takes are soon over. */
const INSTRUCTION_SHIFT = 10;
const PREFIX = "[bulkhead] ";
const HEADING = "test: ";

/** QEMU's exit statuses for the values of tests/fixtures/vtd/end.ts. */
export const COMPLETE = 0x21;

/** Of the edus in the order of tests/fixtures/vtd/edu.ts. Buses are numbered by SeaBIOS in the order of the slots. */
export const EDU = { left: "00:10.0", right: "00:11.0", unassigned: "00:12.0", rootPort: "01:00.0", expressBridge: "03:00.0", bridge: "00:15.0" } as const;

const EDU_DEVICE = "edu,dma_mask=0xffffffffffffffff";
export const EDU_DEVICES: readonly string[] = [
  ...[0x10, 0x11, 0x12].map((slot) => `${EDU_DEVICE},addr=0x${slot.toString(16)}`),
  ...["pcie-root-port,id=port1,addr=0x13,chassis=1", `${EDU_DEVICE},bus=port1`],
  ...["pcie-root-port,id=port2,addr=0x14,chassis=2", "pcie-pci-bridge,id=express,bus=port2", `${EDU_DEVICE},bus=express,addr=1`],
  ...["pci-bridge,id=bridge,addr=0x15,chassis_nr=3", `${EDU_DEVICE},bus=bridge,addr=1`],
];

/** Output of one run. */
export class VtdOutput {
  readonly lines: string[];

  constructor(readonly result: RunResult) {
    this.lines = result.output.split(/\r?\n/).filter((line) => line.startsWith(PREFIX)).map((line) => line.slice(PREFIX.length));
  }

  /** Names of the tests that ran. */
  get tests(): string[] {
    return this.lines.filter((line) => line.startsWith(HEADING)).map((line) => line.slice(HEADING.length));
  }

  /** Lines of one test without its heading. Throws with all that was printed if it did not run. */
  section(test: string): string[] {
    const start = this.lines.indexOf(HEADING + test);
    if (start < 0) throw new Error(`the test "${test}" did not run:\n${this.result.output}\n${this.result.log}`);
    const rest = this.lines.slice(start + 1);
    const end = rest.findIndex((line) => line.startsWith(HEADING));
    return end < 0 ? rest : rest.slice(0, end);
  }

  /** Number that a test printed. */
  measured(test: string, name: string): number {
    const prefix = `${name}: `;
    const line = this.section(test).find((candidate) => candidate.startsWith(prefix));
    if (line === undefined) throw new Error(`the test "${test}" printed no "${name}":\n${this.section(test).join("\n")}`);
    return Number(line.slice(prefix.length));
  }
}

/** `words` of the command line, as tests/fixtures/vtd/main.ts knows them. */
export async function runVtdKernel(words: string, options: QemuOptions = {}): Promise<VtdOutput> {
  const kernel = await buildVtdKernel();
  const commandLine = `console=e9 ${words}`;
  const machine = await startQemu(
    { kernel, commandLine, modules: [] },
    { timeoutSeconds: TIMEOUT_SECONDS, instructionShift: INSTRUCTION_SHIFT, devices: EDU_DEVICES, ...options },
  );
  return new VtdOutput(await machine.finished);
}
