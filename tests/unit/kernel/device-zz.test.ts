import { test } from "vitest";
import { startedWithDevices } from "./assignment-machine.ts";
test("x", async () => {
  const machine = await startedWithDevices({ partitions: [{ pci: [{ device: "00:04.0" }] }, { pci: [{ device: "8086:10d3" }] }] });
  console.log(machine.text);
  console.log(machine.memoryBase(0).toString(16), machine.memoryBase(1).toString(16), machine.plan.toString(16));
  console.log(machine.bootCalls.join("\n"), JSON.stringify(machine.localApic.commands));
}, 240_000);
