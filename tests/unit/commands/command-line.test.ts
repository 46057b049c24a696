// Wrong commands are answered with what would be right.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { projectDirectory } from "../../../scripts/policy/project.ts";

function bulkhead(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [path.join(projectDirectory, "scripts/bootstrap.mjs"), ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

describe("the command line", () => {
  it.each([
    [["biuld"], /unknown command 'biuld'[\s\S]*Did you mean build\?/],
    [["boot", "demo", "--no"], /unknown option '--no'[\s\S]*Did you mean --on\?/],
    [["boot", "demo", "--on", "xen"], /Allowed choices are qemu, bochs/],
    [["boot", "demo", "--timeout", "soon"], /Give a number of seconds above 0/],
    [["fuzz", "--count", "0"], /Give a whole number from 1 to/],
    [["boot"], /missing required argument 'system'/],
    [["boot", "nosuch"], /no system "nosuch"[\s\S]*remedy: .*demo/],
  ])("answers %j", (args, answer) => {
    const { status, stderr } = bulkhead(...args);
    expect(stderr).toMatch(answer);
    expect(status).toBe(1);
  });

  it("lists every command", () => {
    const { status, stdout } = bulkhead("--help");
    expect(status).toBe(0);
    for (const command of ["build", "boot", "demo", "test", "bench", "fuzz", "image", "flash", "doctor", "setup"]) expect(stdout).toContain(`  ${command} `);
  });
});
