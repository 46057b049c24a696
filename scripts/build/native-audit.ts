// The part of the audit that reads the image: stacks and indirect calls in the machine code; then the report.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { MODULES, type ImportUse } from "../audit/audit-module.ts";
import { parseDisassembly, type NativeFunction } from "../audit/native/disassembly.ts";
import { measureEntries } from "../audit/native/entries.ts";
import { StackGraph } from "../audit/native/stack.ts";
import { parseStackUsage } from "../audit/native/stack-usage.ts";
import { refuseViolations } from "../audit/violation.ts";
import { codeSizes, countLines, type AuditReport } from "../audit/report.ts";
import { projectDirectory } from "../policy/project.ts";
import { filesBelow, moduleReport } from "./module.ts";
import { objectFiles } from "./native.ts";
import { auditReport, kernelNumbers, projectPath } from "./paths.ts";
import { run } from "./process.ts";
import type { Step } from "./step.ts";
import { parseSymbols } from "./symbols.ts";

/** Folders whose lines are counted. A fault in monitor/ reaches its own partition only, one in console/ the console; what planner/ builds, the kernel checks before it seals. */
const TRUSTED: Record<string, readonly string[]> = { kernel: [".ts"], drivers: [".ts"], boot: [".c", ".S", ".h", ".ld"], planner: [".ts"], monitor: [".ts"], console: [".ts"] };

const REMEDY = "Build again from the start: remove build/.";

/** The functions of an image. */
export async function disassemble(elf: string): Promise<Map<string, NativeFunction>> {
  const text = await run("llvm-objdump", ["-d", "--no-show-raw-insn", projectPath(elf)], REMEDY);
  // The disassembler names the first function after the linker script's symbol at the same address.
  const names = await run("llvm-nm", ["--numeric-sort", "--defined-only", projectPath(elf)], REMEDY);
  const first = parseSymbols(names)[0]?.name ?? "";
  return parseDisassembly(text.replaceAll("<image_text_start", `<${first}`));
}

export function auditNativeStep(elf: string, sources: readonly string[]): Step {
  const stackUsage = sources.flatMap((source) => objectFiles(source).stackUsage ?? []);
  const modules = MODULES.map((name) => ({ name, report: moduleReport(name) }));
  return {
    name: "audit-native",
    title: "audit machine code",
    settings: {},
    outputs: [auditReport],
    async run() {
      const functions = await disassemble(elf);
      const graph = new StackGraph(functions, stackUsage.flatMap((file) => parseStackUsage(readFileSync(file, "utf8"))));
      const { stacks, violations } = measureEntries(graph);
      refuseViolations(projectPath(elf), violations);
      const report: AuditReport = {
        imports: Object.fromEntries(modules.map(({ name, report }) => [name, JSON.parse(readFileSync(report, "utf8")) as ImportUse])),
        stacks,
        codeSize: codeSizes(functions),
        trustedLines: { ...Object.fromEntries(Object.keys(TRUSTED).map((folder) => [folder, countLines(trustedFiles(folder))])), generated: countLines([kernelNumbers]) },
      };
      writeFileSync(auditReport, `${JSON.stringify(report, null, 1)}\n`);
      return [elf, kernelNumbers, ...stackUsage, ...modules.map(({ report }) => report), ...Object.keys(TRUSTED).flatMap(trustedFiles), ...filesBelow(path.join(projectDirectory, "scripts/audit"), ".ts")];
    },
  };
}

function trustedFiles(folder: string): string[] {
  return (TRUSTED[folder] ?? []).flatMap((ending) => filesBelow(path.join(projectDirectory, folder), ending));
}
