import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UserError } from "../../../scripts/error.ts";
import { compileDescription } from "../../../scripts/policy/compile.ts";
import { linux, system, typescript, type SystemDescription } from "../../../scripts/policy/language.ts";
import { checkDescription, exampleNames, findSystemFile, loadSystem } from "../../../scripts/policy/load.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-policy-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function partition(changes: object = {}): object {
  return { name: "one", core: 0, memory: "16 MiB", image: typescript("clock"), ...changes };
}

/** The UserError that this system is refused with. */
function refusal(partitions: object[], changes: object = {}): UserError {
  try {
    checkDescription({ name: "test", partitions, ...changes }, "test.ts");
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("the system was accepted");
}

describe("defaults", () => {
  test("a Linux partition gets every device and no hypercall", () => {
    const { partitions } = checkDescription({ name: "test", partitions: [partition({ image: linux() })] }, "test.ts");
    expect(partitions[0]!.devices).toEqual(["local-apic", "io-apic", "pic", "pit", "uart", "rtc", "power-management", "pci"]);
    expect(partitions[0]!.hypercalls).toEqual([]);
    expect(partitions[0]!.image).toEqual({ kind: "linux", kernel: "debian-cloud", boot: "pvh", initramfs: "demo", commandLine: "" });
  });

  test("a TypeScript partition gets a local APIC and the harmless hypercalls", () => {
    const { partitions } = checkDescription({ name: "test", partitions: [partition()] }, "test.ts");
    expect(partitions[0]!.devices).toEqual(["local-apic"]);
    expect(partitions[0]!.hypercalls).toEqual(["version", "console-write", "power-off", "tsc-frequency"]);
    expect(partitions[0]!.health).toEqual({ memory: "ignore", port: "ignore", msr: "inject-fault", fault: "stop", device: "stop", restartLimit: 3 });
    expect(partitions[0]!.memory).toBe(16 * 2 ** 20);
  });

  test("what the author writes is kept", () => {
    const { partitions } = checkDescription({ name: "test", partitions: [partition({ devices: [], hypercalls: [], health: { port: "stop" } })] }, "test.ts");
    expect(partitions[0]!.devices).toEqual([]);
    expect(partitions[0]!.hypercalls).toEqual([]);
    expect(partitions[0]!.health.port).toBe("stop");
    expect(partitions[0]!.health.msr).toBe("inject-fault");
  });
});

describe("a mistake is answered with file, field, value and remedy", () => {
  const cases: [string, object[], string, string?][] = [
    ["memory without a unit", [partition({ memory: "96" })], 'test.ts: partitions[0].memory is "96": write a size as a whole number and KiB, MiB or GiB'],
    ["memory as a number", [partition({ memory: 96 })], "test.ts: partitions[0].memory is 96: write a size as text"],
    ["memory missing", [partition({ memory: undefined })], "test.ts: partitions[0].memory is missing"],
    ["memory that is no multiple of 2 MiB", [partition({ memory: "15 MiB" })], 'partitions[0].memory ("one") is 15 MiB', 'Write "16 MiB".'],
    ["no memory", [partition({ memory: "0 MiB" })], 'partitions[0].memory ("one") is 0 MiB', 'Write "2 MiB".'],
    ["a name with capitals", [partition({ name: "Linux" })], 'partitions[0].name is "Linux": use lower-case letters'],
    ["a name too long", [partition({ name: "a".repeat(32) })], "use at most 31 characters"],
    ["a name given twice", [partition(), partition({ core: 1 })], 'partitions[1].name is "one", the name of partitions[0] too'],
    ["a core given twice", [partition(), partition({ name: "two" })], 'partitions[1].core ("two") is 0, the core of "one" too', 'give "two" core 1'],
    ["a core given twice to one", [partition({ core: undefined, cores: [1, 1] })], 'partitions[0].cores ("one") has 1, the core of "one" too', 'give "one" core 0'],
    ["a core of another's cores", [partition({ core: undefined, cores: [1, 2] }), partition({ name: "two", core: 2 })], 'partitions[1].core ("two") is 2, the core of "one" too', 'give "two" core 0'],
    ["core beside cores", [partition({ cores: [1, 2] })], "write either core: 1, or cores: [1, 2]"],
    ["nine cores", [partition({ core: undefined, cores: [0, 1, 2, 3, 4, 5, 6, 7, 8] })], "a partition has at most 8 vCPUs"],
    ["a negative core", [partition({ core: -1 })], "partitions[0].core is -1"],
    ["a disk of another kind", [partition({ disk: 5 })], 'partitions[0].disk is 5: write "FILE", "demo", "boot" or { file: "FILE", readOnly: true }'],
    ["a disk with an unknown field", [partition({ disk: { file: "a.img", writable: true } })], "partitions[0].disk"],
    ["a disk that two may write", [partition({ disk: "a.img" }), partition({ name: "two", core: 1, disk: "./a.img" })], 'partitions[1].disk is "./a.img", the disk of partitions[0] too', "a file of its own"],
    ["a disk that one may write", [partition({ disk: { file: "a.img", readOnly: true } }), partition({ name: "two", core: 1, disk: "a.img" })], 'partitions[1].disk is "a.img", the disk of partitions[0] too'],
    ["an unknown device", [partition({ devices: ["disk"] })], 'partitions[0].devices[0] is "disk"'],
    ["an unknown hypercall", [partition({ hypercalls: ["shutdown"] })], 'partitions[0].hypercalls[0] is "shutdown"'],
    ["an unknown field", [partition({ memmory: "2 MiB" })], 'partitions[0].memmory is "2 MiB": there is no such field'],
    ["an image of an unknown kind", [partition({ image: "clock" })], 'partitions[0].image is "clock": write linux({ ... }) or typescript("NAME")'],
    ["a command line of two lines", [partition({ image: linux({ commandLine: "a\nb" }) })], "partitions[0].image.commandLine"],
    ["a command line too long", [partition({ image: linux({ commandLine: "a".repeat(2048) }) })], "use at most 2047 characters"],
    ["a fault that is ignored", [partition({ health: { fault: "ignore" } })], 'partitions[0].health.fault is "ignore"'],
    ["the keyboard given twice", [partition({ keyboard: true }), partition({ name: "two", core: 1, keyboard: true })], 'keyboard is true for "one" and "two"'],
    ["no partition", [], "partitions is []: name at least one partition"],
  ];

  test.each(cases)("%s", (_name, partitions, message, remedy = "") => {
    const error = refusal(partitions);
    expect(error.message).toContain(message);
    expect(error.message).toContain("test.ts");
    expect(error.remedy).toContain(remedy);
    expect(error.remedy).not.toBe("");
  });

  test("several mistakes are named at once", () => {
    const lines = refusal([partition({ core: "0", memory: 1 })]).message.split("\n");
    expect(lines).toHaveLength(2);
  });
});

describe("finding a system", () => {
  test("by the name of an example, by a folder and by a file", () => {
    const file = findSystemFile("demo");
    expect(findSystemFile(path.dirname(file))).toBe(file);
    expect(findSystemFile(file)).toBe(file);
  });

  test("an unknown name is answered with the names that exist", () => {
    expect(() => findSystemFile("nonesuch")).toThrow('no system "nonesuch"');
    expect(exampleNames()).toContain("demo");
  });

  test.each(exampleNames())("example %s is correct and named after its folder", async (name) => {
    expect((await loadSystem(findSystemFile(name))).name).toBe(name);
  });

  test("a file outside the project is loaded", async () => {
    const file = path.join(folder, "outside.ts");
    const language = path.resolve("scripts/policy/language.ts");
    writeFileSync(
      file,
      `import { system, typescript } from ${JSON.stringify(language)};
       const memory: string = "2 MiB";
       export default system({ name: "outside", partitions: [{ name: "a", core: 0, memory, image: typescript("clock") }] });`,
    );
    expect((await loadSystem(file)).partitions[0]!.memory).toBe(2 * 2 ** 20);
  });

  test("a file that does not compile is refused by its name", async () => {
    const file = path.join(folder, "broken.ts");
    writeFileSync(file, "export default {{;\n");
    await expect(loadSystem(file)).rejects.toThrow(`${file}: `);
  });

  test("a file without a default export is refused", async () => {
    const file = path.join(folder, "empty.ts");
    writeFileSync(file, "export const nothing = 1;\n");
    await expect(loadSystem(file)).rejects.toThrow("no default export");
  });
});

describe("images", () => {
  /** An ELF file for x86-64 with one segment that ends at `end`. */
  function elf(end: number): Buffer {
    const file = Buffer.alloc(64 + 56);
    file.writeUInt32BE(0x7f454c46, 0);
    file.writeUInt8(2, 4);
    file.writeUInt16LE(62, 18);
    file.writeBigUInt64LE(64n, 32);
    file.writeUInt16LE(56, 54);
    file.writeUInt16LE(1, 56);
    file.writeUInt32LE(1, 64);
    file.writeBigUInt64LE(BigInt(end - 0x1000), 64 + 24);
    file.writeBigUInt64LE(0x1000n, 64 + 40);
    return file;
  }

  function description(changes: object): SystemDescription {
    return system({ name: "test-images", partitions: [partition(changes)] } as SystemDescription);
  }

  test("equal files become one module; policy.bin and the modules are written", async () => {
    const bytes = elf(0x200000);
    writeFileSync(path.join(folder, "a.elf"), bytes);
    writeFileSync(path.join(folder, "b.elf"), bytes);
    const compiled = await compileDescription(
      system({
        name: "test-images",
        partitions: [
          { name: "a", core: 0, memory: "4 MiB", image: linux({ kernel: "a.elf", initramfs: "none" }) },
          { name: "b", core: 2, memory: "6 MiB", image: linux({ kernel: "b.elf", initramfs: "b.elf" }) },
        ],
      }),
      path.join(folder, "system.ts"),
    );
    expect(compiled.modules).toHaveLength(1);
    expect(readFileSync(compiled.modules[0]!)).toEqual(bytes);
    expect(readFileSync(compiled.policy).toString("ascii", 0, 8)).toBe("BLKDPOL1");
    expect(compiled.cores).toBe(3);
    expect(compiled.memory).toBe(10 * 2 ** 20);
    rmSync(compiled.directory, { recursive: true });
  });

  test("an image that does not fit is refused with the size that would do", async () => {
    writeFileSync(path.join(folder, "large.elf"), elf(0x700000));
    const large = description({ memory: "4 MiB", image: linux({ kernel: "large.elf", initramfs: "none" }) });
    await expect(compileDescription(large, path.join(folder, "system.ts"))).rejects.toMatchObject({
      message: expect.stringContaining('partitions[0].memory ("one") is 4 MiB, but its image needs 7 MiB') as string,
      remedy: expect.stringContaining('at least "8 MiB"') as string,
    });
  });

  test("a file that is missing or no kernel is refused by its name", async () => {
    writeFileSync(path.join(folder, "text"), "no kernel\n".repeat(100));
    const file = path.join(folder, "system.ts");
    await expect(compileDescription(description({ image: linux({ kernel: "absent", initramfs: "none" }) }), file)).rejects.toThrow('image.kernel is "absent"');
    await expect(compileDescription(description({ image: linux({ kernel: "text", initramfs: "none" }) }), file)).rejects.toThrow("neither an ELF file");
    writeFileSync(path.join(folder, "kernel.elf"), elf(0x200000));
    await expect(compileDescription(description({ image: linux({ kernel: "kernel.elf", boot: "bzimage", initramfs: "none" }) }), file)).rejects.toThrow(
      'partitions[0].image.boot is "bzimage", but',
    );
    await expect(compileDescription(description({ image: typescript("absent") }), file)).rejects.toThrow("no partitions/absent/main.ts");
  });
});
