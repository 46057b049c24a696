// Hardware task switches, which always exit: the monitor carries them out.

import { expect, test } from "vitest";
import { flat } from "../../scripts/policy/language.ts";
import { buildGuestKernel } from "./helpers/guest-kernels.ts";
import { bootSystem } from "./helpers/system.ts";

/** Below 64 KiB, where a 16-bit task can be. */
const ADDRESS = 0x4000;

test("CALL, IRET, JMP, task gates and a 16-bit task", async () => {
  const file = await buildGuestKernel("task-switch", { source: "task-switch", bits: 32, address: ADDRESS, flat: true });
  const output = await bootSystem(
    { name: "test-task-switch", partitions: [{ name: "guest", core: 0, memory: "4 MiB", image: flat({ file, address: ADDRESS, mode: "32-bit" }) }] },
    { timeoutSeconds: 40 },
  );
  expect(output.of("guest")).toEqual([
    "called nt 00004000 ts 00000008 link 00000018", "returned nt 00000000 ts 00000008 link 00000018", "ebx 12345678", "fault 00001234", "behind the fault",
    "jumped to nt 00000000 ts 00000008 link 00000018", "jumped back", "16 bits nt 00004000", "returned from 16 bits", "segment fault 00000030 in task 00000020", "done",
  ]);
  expect(output.summary("guest")).toBe("summary: guest: core 0, 4 MiB, powered off, restarts 0, violations 0");
});
