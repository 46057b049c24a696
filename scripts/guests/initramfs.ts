// The initramfs of the demo: busybox, a first program that tells the time stamp counter, a start script and an
// application. Its files are in initramfs/.

import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { writeCpio, type CpioEntry } from "./cpio.ts";
import { run } from "./debian.ts";

const sourceDirectory = path.join(path.dirname(fileURLToPath(import.meta.url)), "initramfs");
const initSource = path.join(sourceDirectory, "init.S");
const startScript = path.join(sourceDirectory, "start.sh");
const demoScript = path.join(sourceDirectory, "demo.sh");

/** Busybox's programs that the guest has by name. */
const applets = [
  "cat", "cttyhack", "cut", "date", "dmesg", "echo", "env", "false", "free", "grep", "head", "hostname", "insmod", "kill", "ls", "mkdir", "mount", "poweroff",
  "ps", "reboot", "sed", "setsid", "sh", "sleep", "sync", "tail", "top", "true", "umount", "uname", "uptime", "vi",
];

/** The files that the initramfs is made of, besides busybox. */
export function initramfsSources(): string[] {
  return [initSource, startScript, demoScript, fileURLToPath(import.meta.url)];
}

/** The archive; `drivers` are kernel modules to load in this order, `workDirectory` takes the program built from init.S. */
export function buildInitramfs(busybox: string, drivers: string[], workDirectory: string): Buffer {
  const directories = ["bin", "dev", "etc", "proc", "root", "sys", "tmp", ...(drivers.length === 0 ? [] : ["disk", "drivers"])];
  const entries: CpioEntry[] = [
    ...directories.map((name): CpioEntry => ({ kind: "directory", path: name })),
    { kind: "character device", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
    { kind: "character device", path: "dev/null", mode: 0o666, major: 1, minor: 3 },
    { kind: "file", path: "init", mode: 0o755, bytes: buildInit(workDirectory) },
    { kind: "file", path: "etc/start", mode: 0o755, bytes: readFileSync(startScript) },
    { kind: "file", path: "bin/demo", mode: 0o755, bytes: readFileSync(demoScript) },
    { kind: "file", path: "bin/busybox", mode: 0o755, bytes: readFileSync(busybox) },
    ...drivers.map((file, index): CpioEntry => ({ kind: "file", path: `drivers/${index}-${path.basename(file)}`, mode: 0o644, bytes: readFileSync(file) })),
    ...applets.map((name): CpioEntry => ({ kind: "link", path: `bin/${name}`, target: "busybox" })),
  ];
  return writeCpio(entries);
}

/** A static program without a C library: its first instruction shall be the first of user space. */
function buildInit(workDirectory: string): Buffer {
  mkdirSync(workDirectory, { recursive: true });
  const program = path.join(workDirectory, "init");
  run(
    "clang",
    ["--target=x86_64-linux-gnu", "-nostdlib", "-static", "-fuse-ld=lld", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-s", "-o", program, initSource],
    60_000,
  );
  return readFileSync(program);
}
