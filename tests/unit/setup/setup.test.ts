// Set-up on simulated machines: what it says and runs for what is there.

import { describe, expect, test } from "vitest";
import { UserError } from "../../../scripts/error.ts";
import type { Host } from "../../../scripts/setup/host.ts";
import { REQUIREMENTS, type Purpose } from "../../../scripts/setup/programs.ts";
import { ensurePrograms } from "../../../scripts/setup/setup.ts";

interface Machine {
  missing: string[];
  debian: boolean;
  root: boolean;
  sudo: "absent" | "free" | "asks for a password";
  terminal: boolean;
  apt: "installs" | "fails" | "does not have them";
}

const UPDATE = "env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 update";
const INSTALL = "env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 install --yes --no-install-recommends clang lz4";

/** Runs set-up for `purpose`; `log` is what it said and ran, in order. */
function setUp(differences: Partial<Machine>, purpose: Purpose = "test"): { log: string[]; error: UserError | null } {
  const machine: Machine = { missing: ["clang", "lz4"], debian: true, root: false, sudo: "absent", terminal: false, apt: "installs", ...differences };
  const missing = new Set(machine.missing);
  const log: string[] = [];
  const host: Host = {
    has: (name) => (name === "sudo" ? machine.sudo !== "absent" : !missing.has(name)),
    isDebian: () => machine.debian,
    isRoot: () => machine.root,
    hasTerminal: () => machine.terminal,
    say: (text) => log.push(text),
    run: (program, args) => {
      log.push([program, ...args].join(" "));
      if (!args.includes("apt-get")) return machine.sudo === "free" || machine.terminal;
      if (machine.apt === "installs" && args.includes("install")) missing.clear();
      return machine.apt !== "fails";
    },
  };
  try {
    ensurePrograms(purpose, host);
    return { log, error: null };
  } catch (error) {
    if (error instanceof UserError) return { log, error };
    throw error;
  }
}

const CLANG = "  clang (clang): compiles the generated C";
const LZ4 = "  lz4 (lz4): packs kernels for the tests of unpacking";
const MISSING = `Debian packages are missing:\n${CLANG}\n${LZ4}`;
const INSTALLING = "Installing clang, lz4.";

test("neither says nor runs anything when all is there", () => {
  expect(setUp({ missing: [] })).toEqual({ log: [], error: null });
  expect(setUp({ missing: [], debian: false })).toEqual({ log: [], error: null });
});

test("asks for nothing that the command does not need", () => {
  expect(setUp({ missing: ["bochs", "lz4"] }, "build")).toEqual({ log: [], error: null });
  expect(setUp({ missing: ["lz4"] }, "boot")).toEqual({ log: [], error: null });
});

describe("installs with apt-get and says what and why", () => {
  test("as root", () => {
    expect(setUp({ root: true })).toEqual({ log: [MISSING, INSTALLING, UPDATE, INSTALL], error: null });
  });

  test("with sudo that asks for no password", () => {
    const log = [MISSING, "sudo -n true", INSTALLING, `sudo -n ${UPDATE}`, `sudo -n ${INSTALL}`];
    expect(setUp({ sudo: "free" })).toEqual({ log, error: null });
  });

  test("with sudo that asks for a password, in a terminal", () => {
    const log = [MISSING, "sudo true", INSTALLING, `sudo ${UPDATE}`, `sudo ${INSTALL}`];
    expect(setUp({ sudo: "asks for a password", terminal: true })).toEqual({ log, error: null });
  });
});

describe("stops and says what to do", () => {
  test.each(["absent", "asks for a password"] as const)("with the command for root when sudo is %s", (sudo) => {
    const { log, error } = setUp({ sudo });
    expect(log[0]).toBe(MISSING);
    expect(log.filter((line) => line.includes("apt-get"))).toEqual([]);
    expect(error?.message).toBe("installing Debian packages needs root");
    expect(error?.remedy).toContain("apt-get update && apt-get install --yes --no-install-recommends clang lz4");
  });

  test("with the list of programs on another system", () => {
    const { log, error } = setUp({ debian: false, root: true });
    expect(log).toEqual([]);
    expect(error?.message).toBe(`programs are missing, and this is not Debian:\n${CLANG}\n${LZ4}`);
  });

  test("when apt-get fails", () => {
    const { log, error } = setUp({ root: true, apt: "fails" });
    expect(log).toEqual([MISSING, INSTALLING, UPDATE]);
    expect(error?.message).toContain("apt-get update failed");
  });

  test("when the packages do not bring the programs", () => {
    expect(setUp({ root: true, apt: "does not have them" }).error?.message).toBe(`still missing after apt-get:\n${CLANG}\n${LZ4}`);
  });
});

test("lists each program once, with a package and a reason", () => {
  expect(new Set(REQUIREMENTS.map(({ name }) => name)).size).toBe(REQUIREMENTS.length);
  for (const { debianPackage, reason } of REQUIREMENTS) {
    expect(debianPackage).toMatch(/^[a-z0-9][a-z0-9.+-]+$/);
    expect(reason).not.toBe("");
  }
});
