// The kernel itself on a machine with VT-d: what it says of units, groups and owners, and what it refuses. Under TCG there is
// no VMX, so that it stops before it builds anything.

import { describe, expect, test } from "vitest";
import { bootImage } from "../../../scripts/commands/machine.ts";
import { startQemu, type QemuOptions } from "../../../scripts/emulator/index.ts";
import { compileDescription } from "../../../scripts/policy/compile.ts";
import { typescript, type SystemDescription } from "../../../scripts/policy/language.ts";

const TIMEOUT_SECONDS = 60;
/** For the rest of a line on COM1. */
const LINGER_MS = 200;
const PREFIX = "[bulkhead] ";
const EDU = "edu,addr=4";
const NVME = "nvme,serial=bulkhead,addr=5";
const NETWORK = ["e1000e,romfile=,multifunction=on,addr=6.0", "e1000e,romfile=,addr=6.1"];

type Partition = SystemDescription["partitions"][number];
type Device = NonNullable<Partition["pci"]>[number];

/** Two partitions with these PCI devices. */
function twoOwners(name: string, alpha: Device[], beta: Device[] = [], more: Partial<SystemDescription> = {}): SystemDescription {
  const partition = (owner: string, core: number, pci: Device[]): Partition => ({
    name: owner,
    core,
    memory: "4 MiB",
    image: typescript("witness"),
    devices: ["local-apic", "pci"],
    pci,
  });
  return { name, partitions: [partition("alpha", 0, alpha), partition("beta", 1, beta)], ...more };
}

/** Lines of the kernel until it stops. */
async function bootLog(system: SystemDescription, options: QemuOptions): Promise<string[]> {
  const compiled = await compileDescription(system, import.meta.filename);
  let text = "";
  const machine = await startQemu(bootImage(compiled, "console=com1"), {
    cores: 2,
    timeoutSeconds: TIMEOUT_SECONDS,
    ...options,
    onOutput: (bytes) => {
      text += bytes.toString("latin1");
      if (/fatal \d+ on core 0[^\n]*\n/.test(text)) setTimeout(() => machine.stop(), LINGER_MS);
    },
  });
  const { serial } = await machine.finished;
  return serial.split(/\r?\n/).map((line) => (line.startsWith(PREFIX) ? line.slice(PREFIX.length) : line));
}

describe("the boot log", () => {
  test("shows units, widths, features, functions, groups, and which device belongs to whom", async () => {
    const system = twoOwners("test-vtd-log", [{ device: "1234:11e8", withoutReset: true }], [{ device: "00:05.0" }]);
    const log = await bootLog(system, { devices: [EDU, NVME] });
    expect(log).toEqual(
      expect.arrayContaining([
        "pci: 6 functions, none may start DMA",
        "vtd: 1 unit, 48-bit host addresses",
        "vtd unit 0 at 0x0000fed90000 segment 0, version 1.0: 48-bit addresses, levels 3 4, 2M pages, 1G pages, 65536 domains, 1 fault record",
        "vtd unit 0 has legacy mode, queued invalidation, interrupt remapping, pass-through (not used), page-selective invalidation",
        "pci: 00:05.0 1b36:0010 class 0x010802",
        "pci: not isolated from each other: 00:1f.0 00:1f.2 00:1f.3",
        "vtd: 00:04.0 1234:11e8 belongs to alpha: unit 0, group of 00:04.0, reset: none",
        "vtd: 00:05.0 1b36:0010 belongs to beta: unit 0, group of 00:05.0, reset: function-level reset",
      ]),
    );
    expect(log).toContain("fatal 8 on core 0: the machine lacks what the kernel needs");
  });

  test("shows a unit of 39 bits with scalable mode, device TLBs and caching mode", async () => {
    const remapping = { addressBits: 39, scalableMode: true, deviceTlb: true, cachingMode: true } as const;
    const log = await bootLog(twoOwners("test-vtd-scalable", [], [], { remapping: "scalable" }), { remapping });
    expect(log).toContainEqual(expect.stringMatching(/^vtd unit 0 at 0x0000fed90000 segment 0, version \d\.\d: 39-bit addresses, levels 3, 2M pages, 1G pages/));
    expect(log).toContainEqual(expect.stringMatching(/has legacy mode, .*scalable mode, device TLBs, .*caching mode/));
    expect(log.filter((line) => line.startsWith("missing: vtd"))).toEqual([]);
  });
});

describe("a machine that lacks what the policy needs is told so, with what its processor lacks", () => {
  test("no VT-d", async () => {
    const log = await bootLog(twoOwners("test-vtd-none", [], [{ device: "00:05.0" }]), { devices: [NVME], remapping: "none" });
    expect(log).toContain("missing: CPUID.1:ECX bit 5 (VMX)");
    expect(log).toContainEqual(expect.stringMatching(/^missing: DMAR table \(VT-d 8\.1\)/));
    expect(log).toContain("fatal 8 on core 0: the machine lacks what the kernel needs");
  });

  test("scalable mode that the unit does not have", async () => {
    const log = await bootLog(twoOwners("test-vtd-no-scalable", [], [{ device: "00:05.0" }], { remapping: "scalable" }), { devices: [NVME] });
    expect(log).toContain("missing: vtd unit 0 ECAP.SMTS bit 43 (VT-d 11.4.3): scalable mode, which the policy asks for");
  });
});

describe("a device that cannot be given away ends the boot with the reason", () => {
  test("each device of the policy by itself", async () => {
    const alpha = [{ device: "00:04.0" }, { device: "00:09.0" }, { device: "8086:10d3" }, { device: "00:1f.3", withoutReset: true }, { device: "00:05.0", deviceTlb: true }];
    const beta = [{ device: "1b36:0010" }, { device: "00:07.0" }];
    const log = await bootLog(twoOwners("test-vtd-refused", alpha, beta), { devices: [EDU, NVME, ...NETWORK, "pcie-root-port,id=rootport,addr=7,chassis=1"] });
    expect(log.filter((line) => line.startsWith("refused: "))).toEqual([
      "refused: device 00:09.0 of alpha: this machine has no such function; the lines that begin with pci: name those it has",
      "refused: device 8086:10d3 of alpha: this machine has 2 of them; name one by its address, such as 00:06.1",
      "refused: device 1b36:0010 of beta: another entry of the policy names the same function",
      "refused: device 00:07.0 of beta: it is a bridge, which is not given away",
      "refused: device 00:04.0 of alpha: it cannot be reset, so that it might carry what it holds to its next owner; withoutReset: true accepts this",
      "refused: device 00:1f.3 of alpha: it has neither MSI nor MSI-X, and line interrupts are not given away",
      "refused: device 00:05.0 of alpha: deviceTlb: the function or its VT-d unit (ECAP.DT) has none",
    ]);
    expect(log).toContain("fatal 24 on core 0: a device cannot be given away");
  });

  test("functions that reach each other without VT-d, in two partitions", async () => {
    const log = await bootLog(twoOwners("test-vtd-group", [{ device: "00:06.0" }], [{ device: "00:06.1" }]), { devices: NETWORK });
    expect(log).toContain("refused: device 00:06.1 of beta: it can reach 00:06.0 of alpha without passing VT-d (no ACS between them); give both to one partition");
  });
});
