// The table of names that kernel/boot/symbols.ts reads: texts by number, and functions by address, for which the image is linked once
// without it. The table lies behind all code, so the second link moves no function.

import { writeFileSync } from "node:fs";
import { projectPath } from "./paths.ts";
import { run } from "./process.ts";
import type { Step } from "./step.ts";
import { textSources, textsByKey } from "./texts.ts";

interface Symbol {
  address: bigint;
  name: string;
}

/** Makes the assembler file `output` from the functions of the image `elf`. */
export function symbolStep(elf: string, output: string): Step {
  return {
    name: "symbols",
    title: "list names",
    settings: { format: 2 },
    outputs: [output],
    async run() {
      const names = await run("llvm-nm", ["--numeric-sort", "--defined-only", projectPath(elf)], "Build again from the start: remove build/.");
      writeFileSync(output, symbolTable(parseSymbols(names)));
      return [elf, ...textSources()];
    },
  };
}

/** Function symbols of `llvm-nm --numeric-sort`, one for each address, and the end of the text as the last one. */
export function parseSymbols(output: string): Symbol[] {
  const all = output.split("\n").flatMap((line) => {
    const [address = "", kind = "", name = ""] = line.trim().split(/\s+/);
    return /^[0-9a-f]+$/.test(address) ? [{ address: BigInt(`0x${address}`), kind, name }] : [];
  });
  const start = all.find(({ name }) => name === "image_text_start")?.address;
  const end = all.find(({ name }) => name === "image_text_end")?.address;
  if (start === undefined || end === undefined) throw new Error("the image does not define image_text_start and image_text_end");
  const functions = all.filter(({ address, kind, name }) => /^[tTwW]$/.test(kind) && address >= start && address < end && name !== "image_text_start");
  const byAddress = new Map(functions.map(({ address, name }) => [address, sourceName(name)]));
  return [...[...byAddress].map(([address, name]) => ({ address, name })), { address: end, name: "" }];
}

/** The AssemblyScript name of a function that wasm2c named: w2c_kernel_kernel0x2Fmain0x2Fexit is kernel/main/exit. */
export function sourceName(symbol: string): string {
  const generated = /^w2c_[a-z]+_(.*0x2F.*)$/.exec(symbol)?.[1];
  if (generated === undefined) return symbol;
  return generated.replace(/0x([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** Texts, then `functions`, in assembler. */
export function symbolTable(functions: readonly Symbol[]): string {
  const symbols = [...[...textsByKey()].map(([address, name]) => ({ address, name })), ...functions];
  const lines = ["// Made by scripts/build/symbols.ts; the format is that of kernel/boot/symbols.ts.", '.section .symbols, "a", @progbits', ".balign 8", "table:", `  .long ${symbols.length}, names - table`];
  const names = ["names:"];
  let offset = 0;
  for (const { address, name } of symbols) {
    lines.push(`  .long 0x${(address & 0xffffffffn).toString(16)}, ${offset}`);
    names.push(`  .asciz ${JSON.stringify(name)}`);
    offset += Buffer.byteLength(name) + 1;
  }
  return `${[...lines, ...names].join("\n")}\n`;
}
