// Builds tests/fixtures/vtd as a kernel image, once for all test files that boot it and until a source changes.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { buildDirectory, objectDirectory } from "../build/paths.ts";
import { projectDirectory } from "../policy/project.ts";
import { withLock } from "../build/lock.ts";
import { buildKernelImage } from "./kernel-image.ts";

const NAME = "vtd";
const FOLDER = path.join(buildDirectory, "tests", NAME);
const ELF = path.join(FOLDER, `${NAME}.elf`);
const DIGEST = path.join(FOLDER, "digest");
/** What the image is made from, besides the objects of the real build. */
const SOURCES = ["kernel", "drivers", "planner", "monitor", "console", "boot", "tests/fixtures/vtd", "tests/fixtures/pci", "asconfig.json", "package-lock.json"];

/** Path of the ELF file. */
export async function buildVtdKernel(): Promise<string> {
  mkdirSync(FOLDER, { recursive: true });
  return withLock(path.join(buildDirectory, "tests", `${NAME}.lock`), async () => {
    const digest = sourceDigest();
    if (readDigest() === digest) return ELF;
    rmSync(DIGEST, { force: true });
    await buildKernelImage(NAME, { kernel: "tests/fixtures/vtd/main.ts", planner: "tests/fixtures/vtd/planner.ts" });
    writeFileSync(DIGEST, digest);
    return ELF;
  });
}

function readDigest(): string | null {
  try {
    return readFileSync(DIGEST, "utf8");
  } catch {
    return null; // never built
  }
}

function sourceDigest(): string {
  const objects = readdirSync(objectDirectory).filter((name) => name.endsWith(".o")).map((name) => path.join(objectDirectory, name));
  const sources = SOURCES.flatMap((source) => filesBelow(path.join(projectDirectory, source)));
  const hash = createHash("sha256");
  for (const file of [...sources, ...objects].sort()) hash.update(file).update("\0").update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}

function filesBelow(location: string): string[] {
  if (statSync(location).isFile()) return [location];
  return readdirSync(location).flatMap((name) => filesBelow(path.join(location, name)));
}
