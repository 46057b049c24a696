// Every rule of the audit, each with a program that breaks it and one close by that does not.

import { describe, expect, it } from "vitest";
import { refuseViolations } from "../../scripts/audit/violation.ts";
import { auditProgram } from "./compile.ts";

const VMREAD = '@external("vmx", "vmread") export declare function vmread(field: u64): u64;\n';
const LOAD64 = '@external("phys", "load64") export declare function load64(address: u64): u64;\n';

describe("privileged-import", () => {
  it("refuses VMREAD outside kernel/cpu/vmx", async () => {
    const violations = await auditProgram("kernel", {
      "kernel/cpu/vmx/instructions.ts": VMREAD,
      "kernel/partition/vcpu.ts": 'import { vmread } from "../cpu/vmx/instructions";\nexport function reason(): u64 { return vmread(0x4402); }\n',
      "kernel/main.ts": 'import { reason } from "./partition/vcpu";\nexport function exit(): u32 { return <u32>reason(); }\n',
    });
    expect(violations).toMatchObject([{ rule: "privileged-import", function: "kernel/partition/vcpu/reason" }]);
    expect(() => refuseViolations("kernel.wasm", violations)).toThrow(/\[privileged-import\] kernel\/partition\/vcpu\/reason: calls vmx\.vmread/);
  });

  it("refuses it in a module's initialisation too", async () => {
    const violations = await auditProgram("kernel", {
      "kernel/cpu/vmx/instructions.ts": VMREAD,
      "kernel/main.ts": 'import { vmread } from "./cpu/vmx/instructions";\nlet reason = vmread(0x4402);\nexport function exit(): u32 { return <u32>reason; }\n',
    });
    expect(violations).toMatchObject([{ rule: "privileged-import", function: "start:kernel/main" }]);
  });

  it("admits it where it belongs", async () => {
    const violations = await auditProgram("kernel", {
      "kernel/cpu/vmx/instructions.ts": VMREAD,
      "kernel/cpu/vmx/vmcs.ts": 'import { vmread } from "./instructions";\nexport function reason(): u64 { return vmread(0x4402); }\n',
      "kernel/main.ts": 'import { reason } from "./cpu/vmx/vmcs";\nexport function exit(): u32 { return <u32>reason(); }\n',
    });
    expect(violations).toEqual([]);
  });

  it("refuses an import that no folder owns", async () => {
    const violations = await auditProgram("kernel", {
      "kernel/main.ts": '@external("host", "peek") declare function peek(): u32;\nexport function exit(): u32 { return peek(); }\n',
    });
    expect(violations).toMatchObject([{ rule: "privileged-import", function: "kernel/main/exit", message: expect.stringContaining("host.peek") as string }]);
  });
});

describe("monitor-import", () => {
  it("refuses physical memory", async () => {
    const violations = await auditProgram("monitor", {
      "monitor/main.ts": `${LOAD64}export function start(): u32 { return <u32>load64(0); }\n`,
    });
    expect(violations).toMatchObject([{ rule: "monitor-import", function: "monitor/main/start", message: expect.stringContaining("phys.load64") as string }]);
  });

  it("admits the guest's memory", async () => {
    const violations = await auditProgram("monitor", {
      "monitor/main.ts": '@external("guest", "load8") declare function load8(gpa: u64): u8;\nexport function start(): u32 { return load8(0); }\n',
    });
    expect(violations).toEqual([]);
  });
});

describe("planner-import", () => {
  const WRMSR = '@external("cpu", "wrmsr") declare function wrmsr(index: u32, value: u64): void;\n';

  it("refuses WRMSR, VMX, and what a monitor has", async () => {
    const violations = await auditProgram("planner", {
      "kernel/cpu/vmx/instructions.ts": `${VMREAD}export function reason(): u64 { return vmread(0x4402); }\n`,
      "planner/main.ts": [
        'import { reason } from "../kernel/cpu/vmx/instructions";',
        `${WRMSR}@external("guest", "load8") declare function load8(gpa: u64): u8;`,
        "export function plan(information: u64): u64 { wrmsr(0x1b, information); return reason() + load8(0); }",
      ].join("\n"),
    });
    const refused = violations.filter(({ rule }) => rule === "planner-import").map(({ message }) => /imports (\S+),/.exec(message)?.[1]);
    expect(refused.sort()).toEqual(["cpu.wrmsr", "guest.load8", "vmx.vmread"]);
  });

  it("lets pass what can never run", async () => {
    const violations = await auditProgram("planner", {
      "planner/main.ts": `${WRMSR}let attached: bool = false;\nexport function plan(information: u64): u64 { if (attached) wrmsr(0x1b, information); return information; }\n`,
    });
    expect(violations).toEqual([]);
  });

  it("refuses ports outside drivers/", async () => {
    const violations = await auditProgram("planner", {
      "planner/main.ts": '@external("port", "in8") declare function in8(port: u16): u8;\nexport function plan(information: u64): u64 { return in8(<u16>information); }\n',
    });
    expect(violations).toMatchObject([{ rule: "privileged-import", function: "planner/main/plan" }]);
  });

  it("admits physical memory", async () => {
    expect(await auditProgram("planner", { "planner/main.ts": `${LOAD64}export function plan(information: u64): u64 { return load64(information); }\n` })).toEqual([]);
  });
});

describe("console-import", () => {
  it("refuses physical memory and wider ports", async () => {
    const violations = await auditProgram("console", {
      "console/main.ts": `${LOAD64}@external("port", "in32") declare function in32(port: u16): u32;\nexport function put(byte: u8): u64 { return load64(byte) + in32(byte); }\n`,
    });
    expect(violations.map(({ rule, message }) => `${rule} ${/imports (\S+),/.exec(message)?.[1]}`).sort()).toEqual(["console-import phys.load64", "console-import port.in32"]);
  });

  it("admits the rings and the screen", async () => {
    expect(await auditProgram("console", {
      "console/main.ts": [
        '@external("ring", "load32") declare function load32(offset: u32): u32;',
        '@external("screen", "store8") declare function store8(offset: u64, value: u8): void;',
        "export function put(byte: u8): void { store8(load32(byte), byte); }",
      ].join("\n"),
    })).toEqual([]);
  });
});

describe("foreign-code", () => {
  const files = (folder: string): Record<string, string> => ({
    [`${folder}/choose.ts`]: "export function choose(at: u32): u32 { return load<u32>(at) / 3; }\n",
    "kernel/main.ts": `import { choose } from "../${folder}/choose";\nexport function exit(): u32 { return choose(load<u32>(0)); }\n`,
  });

  it.each(["planner", "console"])("refuses a function of %s/ in the kernel", async (folder) => {
    expect(await auditProgram("kernel", files(folder))).toMatchObject([{ rule: "foreign-code", function: `${folder}/choose/choose` }]);
  });

  it("admits one of drivers/", async () => {
    expect(await auditProgram("kernel", files("drivers"))).toEqual([]);
  });
});

describe("planner-state", () => {
  const files = (set: string): Record<string, string> => ({
    "kernel/memory/free.ts": "let free: u64 = 0;\nexport function initialise(bytes: u64): void { free = bytes; }\nexport function freeBytes(): u64 { return free; }\n",
    "kernel/main.ts": `import { freeBytes, initialise } from "./memory/free";\n${set}export function exit(): u32 { return <u32>freeBytes(); }\n`,
  });

  it("refuses a variable that nothing in the kernel sets", async () => {
    const violations = await auditProgram("kernel", files("export { freeBytes };\n"));
    expect(violations).toMatchObject([{ rule: "planner-state", function: "kernel/memory/free/freeBytes", message: expect.stringContaining("reads kernel/memory/free/free,") as string }]);
  });

  it("admits one that it sets", async () => {
    expect(await auditProgram("kernel", files("export function boot(): void { initialise(load<u64>(0)); }\n"))).toEqual([]);
  });
});

describe("floating-point", () => {
  it("refuses a function that computes with it", async () => {
    const violations = await auditProgram("kernel", {
      "kernel/main.ts": "export function exit(): u32 { return <u32>(<f64>load<u32>(0) * 1.5); }\n",
    });
    expect(violations).toMatchObject([{ rule: "floating-point", function: "kernel/main/exit" }]);
  });

  it("refuses a global variable", async () => {
    const violations = await auditProgram("kernel", {
      "kernel/main.ts": "export let ratio: f32 = 1.5;\nexport function exit(): u32 { return 0; }\n",
    });
    expect(violations).toMatchObject([{ rule: "floating-point", function: "kernel/main/ratio" }]);
  });
});

describe("recursion", () => {
  it("refuses functions that call each other, and shows the way round", async () => {
    const violations = await auditProgram("kernel", {
      "kernel/main.ts": [
        "function even(n: u32): u32 { return n == 0 ? load<u32>(0) : odd(n - 1) + load<u32>(n); }",
        "function odd(n: u32): u32 { return n == 0 ? load<u32>(4) : even(n - 1) ^ load<u32>(n); }",
        "export function exit(): u32 { return even(load<u32>(8)); }",
      ].join("\n"),
    });
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatchObject({ rule: "recursion", message: expect.stringMatching(/calls itself: .*kernel\/main\/(even|odd)/) as string });
  });
});

describe("indirect-call", () => {
  it("refuses a call through a function reference", async () => {
    const violations = await auditProgram("kernel", {
      "kernel/main.ts": [
        "function one(): u32 { return load<u32>(0); }",
        "function two(): u32 { return load<u32>(4); }",
        "let handler: () => u32 = one;",
        "export function trap(): void { handler = two; }",
        "export function exit(): u32 { return handler(); }",
      ].join("\n"),
    });
    expect(violations).toContainEqual(expect.objectContaining({ rule: "indirect-call", function: "kernel/main/exit" }));
  });
});

describe("allocation", () => {
  const program = (entry: string): Record<string, string> => ({
    "kernel/main.ts": [
      "class Record { value: u32 = 0; }",
      "let last: Record | null = null;",
      "function remember(value: u32): void { const record = new Record(); record.value = value; last = record; }",
      "export function boot(information: u64): void { remember(load<u32>(0)); }",
      `export function exit(): u32 { ${entry} return last ? last!.value : 0; }`,
    ].join("\n"),
  });

  it("refuses one that an exit reaches", async () => {
    const violations = await auditProgram("kernel", program("remember(load<u32>(4));"));
    expect(violations).toMatchObject([{ rule: "allocation", message: expect.stringContaining("entry point exit") as string }]);
  });

  it("admits one while booting", async () => {
    expect(await auditProgram("kernel", program(""))).toEqual([]);
  });
});
