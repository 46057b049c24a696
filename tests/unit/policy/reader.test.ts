import { beforeAll, describe, expect, test } from "vitest";
import { HealthAction, Hypercall, NO_MODULE, PartitionFlag, POLICY_VERSION, PolicyHeader, PolicyPartition } from "../../../kernel/policy/layout.ts";
import { PolicyStatus } from "../../../planner/policy/status.ts";
import { Device, ImageKind } from "../../../monitor/interface.ts";
import { encodePolicy, type EncodedPartition } from "../../../scripts/policy/encode.ts";
import { checkDescription, exampleNames, findSystemFile, loadSystem } from "../../../scripts/policy/load.ts";
import { compileReader, instantiateReader, POLICY_ADDRESS, validate, type Reader } from "./reader-module.ts";

const MODULES = 3;
let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileReader();
}, 60_000);

function examplePolicy(): Buffer {
  const system = checkDescription(
    {
      name: "example",
      partitions: [
        { name: "linux", core: 1, memory: "4 GiB", image: { kind: "linux", commandLine: "quiet" }, keyboard: true },
        {
          name: "clock",
          core: 0,
          memory: "16 MiB",
          image: { kind: "typescript", name: "clock", commandLine: "ticks=5" },
          health: { memory: "stop", port: "inject-fault", msr: "ignore", fault: "restart", restartLimit: 7 },
        },
      ],
    },
    "example",
  );
  const images = [
    { imageKind: ImageKind.BzImage, kernelModule: 1, ramDiskModule: 2, commandLine: "quiet" },
    { imageKind: ImageKind.Pvh, kernelModule: 3, ramDiskModule: null, commandLine: "ticks=5" },
  ];
  const partitions: EncodedPartition[] = system.partitions.map((partition, index) => ({ partition, ...images[index]! }));
  return encodePolicy(system, partitions, MODULES);
}

function open(policy: Buffer): Reader {
  return instantiateReader(module, policy);
}

function text(policy: Buffer, address: bigint, length: number): string {
  const offset = Number(address - POLICY_ADDRESS);
  return policy.toString("ascii", offset, offset + length);
}

describe("a policy that the compiler wrote", () => {
  test("is valid", () => {
    const policy = examplePolicy();
    expect(validate(open(policy), policy, MODULES)).toBe(PolicyStatus.Valid);
  });

  test("is read back field by field", () => {
    const policy = examplePolicy();
    const reader = open(policy);
    validate(reader, policy, MODULES);

    expect(reader.partitionCount()).toBe(2);
    expect(reader.moduleCount()).toBe(MODULES);
    expect(reader.powersOffWhenDone()).toBe(1);

    expect(text(policy, reader.partitionName(0), 6)).toBe("linux\0");
    expect(reader.partitionCore(0, 0)).toBe(1);
    expect(reader.partitionVcpuCount(0)).toBe(1);
    expect(reader.partitionMemory(0)).toBe(0x1_0000_0000n);
    expect(reader.partitionImageKind(0)).toBe(ImageKind.BzImage);
    expect(reader.partitionKernelModule(0)).toBe(1);
    expect(reader.partitionHasRamDisk(0)).toBe(1);
    expect(reader.partitionRamDiskModule(0)).toBe(2);
    expect(text(policy, reader.partitionCommandLine(0), reader.partitionCommandLineLength(0))).toBe("quiet");
    expect(reader.partitionDevices(0)).toBe(0xff);
    expect((reader.partitionHypercalls(0) >> Hypercall.ConsoleWrite) & 1).toBe(0);
    expect(reader.partitionHasKeyboard(0)).toBe(1);

    expect(text(policy, reader.partitionName(1), 6)).toBe("clock\0");
    expect(reader.partitionImageKind(1)).toBe(ImageKind.Pvh);
    expect(reader.partitionHasRamDisk(1)).toBe(0);
    expect(reader.partitionRamDiskModule(1) >>> 0).toBe(NO_MODULE);
    expect(text(policy, reader.partitionCommandLine(1), reader.partitionCommandLineLength(1))).toBe("ticks=5");
    expect(reader.partitionDevices(1)).toBe(Device.LocalApic);
    expect((reader.partitionHypercalls(1) >> Hypercall.ConsoleWrite) & 1).toBe(1);
    expect((reader.partitionHypercalls(1) >> Hypercall.Reset) & 1).toBe(0);
    expect(reader.partitionHasKeyboard(1)).toBe(0);
    expect(reader.onMemoryViolation(1)).toBe(HealthAction.Stop);
    expect(reader.onPortViolation(1)).toBe(HealthAction.InjectFault);
    expect(reader.onMsrViolation(1)).toBe(HealthAction.Ignore);
    expect(reader.onFault(1)).toBe(HealthAction.Restart);
    expect(reader.restartLimit(1)).toBe(7);
  });
});

test.each(exampleNames())("the policy of the example %s is valid", async (name) => {
  const system = await loadSystem(findSystemFile(name));
  const image = { imageKind: ImageKind.Pvh, kernelModule: 1, ramDiskModule: null, commandLine: "" };
  const policy = encodePolicy(system, system.partitions.map((partition) => ({ partition, ...image })), MODULES);
  const reader = open(policy);
  expect(validate(reader, policy, MODULES)).toBe(PolicyStatus.Valid);
  expect(reader.partitionCount()).toBe(system.partitions.length);
  expect(reader.deviceCount()).toBe(system.partitions.flatMap(({ pci }) => pci).length);
});

describe("the reader refuses", () => {
  const second = PolicyHeader.Partitions + PolicyPartition.Size;
  const header = (field: PolicyHeader, value: number) => (policy: Buffer) => void policy.writeUInt32LE(value, field);
  const record = (field: PolicyPartition, value: number) => (policy: Buffer) => void policy.writeUInt32LE(value, second + field);
  const bytes = (field: PolicyPartition, value: string) => (policy: Buffer) => void policy.write(value, second + field, "latin1");

  const cases: [string, (policy: Buffer) => void, PolicyStatus, number?][] = [
    ["another magic", header(PolicyHeader.Magic, 0), PolicyStatus.WrongMagic],
    ["the version before", header(PolicyHeader.Version, POLICY_VERSION - 1), PolicyStatus.WrongVersion],
    ["a later version", header(PolicyHeader.Version, POLICY_VERSION + 1), PolicyStatus.WrongVersion],
    ["a size that is not the module's", header(PolicyHeader.Size, 64), PolicyStatus.WrongSize],
    ["a module count that is not the loader's", header(PolicyHeader.ModuleCount, 4), PolicyStatus.WrongModuleCount],
    ["an unknown system flag", header(PolicyHeader.Flags, 4), PolicyStatus.UnknownSystemFlag],
    ["no partition", header(PolicyHeader.PartitionCount, 0), PolicyStatus.WrongPartitionCount],
    ["too many partitions", header(PolicyHeader.PartitionCount, 17), PolicyStatus.WrongPartitionCount],
    ["records beyond the end", header(PolicyHeader.PartitionCount, 16), PolicyStatus.TooShort],
    ["an empty name", bytes(PolicyPartition.Name, "\0"), PolicyStatus.WrongName, 1],
    ["a name without end", bytes(PolicyPartition.Name, "x".repeat(32)), PolicyStatus.WrongName, 1],
    ["a control character in a name", bytes(PolicyPartition.Name, "a\x1bb\0"), PolicyStatus.WrongName, 1],
    ["a name given twice", bytes(PolicyPartition.Name, "linux\0"), PolicyStatus.NameTaken, 1],
    ["a core given twice", record(PolicyPartition.Cores, 1), PolicyStatus.CoreTaken, 1],
    ["a core given to two vCPUs", (policy) => (policy.writeUInt32LE(2, second + PolicyPartition.VcpuCount), policy.writeUInt32LE(0x0303, second + PolicyPartition.Cores)), PolicyStatus.CoreTaken, 1],
    ["a second vCPU on an absent core", (policy) => (policy.writeUInt32LE(2, second + PolicyPartition.VcpuCount), policy.writeUInt32LE(0x0403, second + PolicyPartition.Cores)), PolicyStatus.CoreAbsent, 1],
    ["a core that is absent", record(PolicyPartition.Cores, 4), PolicyStatus.CoreAbsent, 1],
    ["no vCPU", record(PolicyPartition.VcpuCount, 0), PolicyStatus.WrongVcpuCount, 1],
    ["too many vCPUs", record(PolicyPartition.VcpuCount, 9), PolicyStatus.WrongVcpuCount, 1],
    ["no memory", record(PolicyPartition.MemorySize, 0), PolicyStatus.WrongMemorySize, 1],
    ["memory that is no multiple of 2 MiB", record(PolicyPartition.MemorySize, 0x1000), PolicyStatus.WrongMemorySize, 1],
    ["memory that overflows sums", record(PolicyPartition.MemorySize + 4, 0xffffffff), PolicyStatus.WrongMemorySize, 1],
    ["an unknown image kind", record(PolicyPartition.ImageKind, 7), PolicyStatus.WrongImageKind, 1],
    ["policy.bin as an image", record(PolicyPartition.KernelModule, 0), PolicyStatus.WrongKernelModule, 1],
    ["an image beyond the modules", record(PolicyPartition.KernelModule, 4), PolicyStatus.WrongKernelModule, 1],
    ["a RAM disk beyond the modules", record(PolicyPartition.RamDiskModule, 4), PolicyStatus.WrongRamDiskModule, 1],
    ["a command line in the records", record(PolicyPartition.CommandLineOffset, 64), PolicyStatus.CommandLineOutside, 1],
    ["a command line that begins beyond the end", record(PolicyPartition.CommandLineOffset, 0xffffffff), PolicyStatus.CommandLineOutside, 1],
    ["a command line that ends beyond the end", record(PolicyPartition.CommandLineLength, 8), PolicyStatus.CommandLineOutside, 1],
    ["a command line whose end overflows", record(PolicyPartition.CommandLineLength, 0xffffffff), PolicyStatus.CommandLineOutside, 1],
    ["a command line that is no text", (policy) => void policy.writeUInt8(7, policy.length - 1), PolicyStatus.CommandLineNotText, 1],
    ["an unknown device", record(PolicyPartition.Devices, 0x400), PolicyStatus.UnknownDevice, 1],
    ["an unknown hypercall", record(PolicyPartition.Hypercalls, 0x40), PolicyStatus.UnknownHypercall, 1],
    ["an unknown partition flag", record(PolicyPartition.Flags, 2), PolicyStatus.UnknownPartitionFlag, 1],
    ["the keyboard given twice", record(PolicyPartition.Flags, PartitionFlag.InitialKeyboard), PolicyStatus.KeyboardTaken, 1],
    ["an unknown action on memory", record(PolicyPartition.OnMemoryViolation, 4), PolicyStatus.WrongHealthAction, 1],
    ["an unknown action on ports", record(PolicyPartition.OnPortViolation, 4), PolicyStatus.WrongHealthAction, 1],
    ["an unknown action on MSRs", record(PolicyPartition.OnMsrViolation, 4), PolicyStatus.WrongHealthAction, 1],
    ["a fault that is ignored", record(PolicyPartition.OnFault, HealthAction.Ignore), PolicyStatus.WrongHealthAction, 1],
  ];

  test.each(cases)("%s", (_name, damage, status, partition = 0) => {
    const policy = examplePolicy();
    damage(policy);
    const reader = open(policy);
    expect(validate(reader, policy, MODULES)).toBe(status);
    expect(reader.failedPartition()).toBe(partition);
  });

  test("a file cut short anywhere, without a load beyond its end", () => {
    const whole = examplePolicy();
    for (let length = 0; length < whole.length; length++) {
      const policy = Buffer.from(whole.subarray(0, length));
      if (length >= PolicyHeader.Size + 4) policy.writeUInt32LE(length, PolicyHeader.Size);
      expect(validate(open(policy), policy, MODULES)).not.toBe(PolicyStatus.Valid);
    }
  });
});
