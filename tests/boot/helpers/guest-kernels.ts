// Builds tests/fixtures/guests: kernels in assembly that print what their boot loader gave them.

import { mkdirSync } from "node:fs";
import path from "node:path";
import { buildDirectory } from "../../../scripts/build/paths.ts";
import { run } from "../../../scripts/build/process.ts";
import { projectDirectory } from "../../../scripts/policy/project.ts";

const sources = path.join(projectDirectory, "tests/fixtures/guests");
const REMEDY = "Install clang, lld and llvm.";

export interface GuestKernel {
  /** Source in tests/fixtures/guests, without ".S". */
  source: string;
  bits: 32 | 64;
  /** Address that it is linked at. */
  address: number;
  /** Without headers: a flat binary. */
  flat?: boolean;
  defines?: string[];
}

/** Builds build/tests/guests/NAME; returns its path. */
export async function buildGuestKernel(name: string, kernel: GuestKernel): Promise<string> {
  const folder = path.join(buildDirectory, "tests/guests");
  mkdirSync(folder, { recursive: true });
  const output = path.join(folder, name);
  const object = `${output}.o`;
  const target = kernel.bits === 32 ? "i386-elf" : "x86_64-elf";
  const defines = (kernel.defines ?? []).map((define) => `-D${define}`);
  await run("clang", [`--target=${target}`, ...defines, "-I", sources, "-c", path.join(sources, `${kernel.source}.S`), "-o", object], REMEDY);
  const emulation = kernel.bits === 32 ? "elf_i386" : "elf_x86_64";
  const linked = kernel.flat === true ? `${output}.elf` : output;
  const script = path.join(sources, "kernel.ld");
  await run("ld.lld", ["-m", emulation, "--build-id=none", "-z", "noexecstack", `--defsym=LOAD_ADDRESS=${kernel.address}`, "-T", script, "-o", linked, object], REMEDY);
  if (kernel.flat === true) await run("llvm-objcopy", ["-O", "binary", linked, output], REMEDY);
  return output;
}
