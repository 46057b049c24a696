// A whole system with the screen among its consoles: it stays in core 0's reach behind the seal.

import { expect, test } from "vitest";
import { kernelElf } from "../../scripts/build/paths.ts";
import { run } from "../../scripts/build/process.ts";
import { bootImage, machineMemory } from "../../scripts/commands/machine.ts";
import { startBochs } from "../../scripts/emulator/index.ts";
import { compileDescription } from "../../scripts/policy/compile.ts";
import { typescript } from "../../scripts/policy/language.ts";

const TIMEOUT_SECONDS = 150;
const CELLS = 25 * 80;
/** Lines of the debugger's `xp`: an address, then half words, each a letter and its colours. */
const DUMP_LINE = /^0x[0-9a-f]+ <bogus\+ *\d+>:(.*)$/gm;

test("GRUB in Bochs: the screen shows the boot up to the first partition, and the system goes on to its end", async () => {
  const witness = { name: "witness", core: 0, memory: "4 MiB", image: typescript("witness", { commandLine: "ticks=2" }) };
  const system = await compileDescription({ name: "test-media-screen", partitions: [witness] }, import.meta.filename);
  const machine = await startBochs(bootImage(system, "console=e9,fb"), {
    loader: "grub",
    cores: system.cores,
    memoryMiB: machineMemory(system),
    timeoutSeconds: TIMEOUT_SECONDS,
    debuggerCommands: [`lb 0x${await firstExit()}`, "c", `xp /${CELLS}hx 0xb8000`, "d 1", "c", "q"],
  });
  const { output, reason } = await machine.finished;
  expect(reason).toBe("ended");
  const screen = lettersOf(output);
  expect(screen).toContain("[bulkhead] sealed: every EPT and page table matches the policy");
  expect(screen).toContain("[bulkhead] partition witness starts on core 0 with 4 MiB");
  expect(output).toContain("witness: core 0, 4 MiB, powered off, restarts 0, violations 0");
});

/** Address of the kernel's first instruction after a VM exit. */
async function firstExit(): Promise<string> {
  const symbol = /^([0-9a-f]+) \w vm_exit$/m.exec(await run("llvm-nm", [kernelElf], "Run `npm run build` first."));
  if (symbol?.[1] === undefined) throw new Error("the kernel has no symbol vm_exit");
  return symbol[1];
}

function lettersOf(output: string): string {
  const words = [...output.matchAll(DUMP_LINE)].flatMap(([, line]) => (line ?? "").trim().split(/\s+/).filter((word) => word !== ""));
  return words.map((word) => String.fromCharCode(Number(word) & 0xff)).join("");
}
