// The same image through other loaders and emulators than the fast way of most tests.

import { expect, test } from "vitest";
import { kernelElf } from "../../scripts/build/paths.ts";
import { startQemu } from "../../scripts/emulator/index.ts";
import { typescript } from "../../scripts/policy/language.ts";
import { bootSystem } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 60;
const LAST_WORDS = "fatal 8 on core 0: the machine lacks what the kernel needs\r\n";

test("GRUB in Bochs: command line, modules and memory map arrive, and both cores start", async () => {
  const witness = (core: number) => ({ name: `witness${core}`, core, memory: "4 MiB", image: typescript("witness", { commandLine: "ticks=2" }) });
  const output = await bootSystem({ name: "test-loaders", partitions: [witness(0), witness(1)] }, { loader: "grub", timeoutSeconds: TIMEOUT_SECONDS });
  expect(output.result.reason).toBe("ended");
  for (const core of [0, 1]) {
    expect(output.of(`witness${core}`)).toContain("witness: done");
    expect(output.summary(`witness${core}`)).toBe(`summary: witness${core}: core ${core}, 4 MiB, powered off, restarts 0, violations 0`);
  }
  // The command line names the debug console only.
  expect(output.result.serial).toBe("");
});

test("GRUB in QEMU without VMX: the kernel says what the processor lacks, on COM1 and the debug console", async () => {
  let printed = "";
  const machine = await startQemu(
    { kernel: kernelElf, commandLine: "console=com1,e9", modules: [] },
    {
      accelerator: "tcg",
      timeoutSeconds: TIMEOUT_SECONDS,
      onOutput: (bytes) => {
        printed += bytes.toString("latin1");
        if (printed.includes(LAST_WORDS)) machine.stop();
      },
    },
  );
  const { output, serial } = await machine.finished;
  for (const console of [output, serial]) {
    expect(console).toContain("missing: CPUID.1:ECX bit 5 (VMX)");
    expect(console).toContain(LAST_WORDS);
  }
});
