// The policy compiler and the monitor's loader check images by code of their own. On damaged images they must agree: what
// the one accepts the other loads, and what the one refuses the other refuses too.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ImageKind, LoadStatus } from "../../../monitor/interface.ts";
import { UserError } from "../../../scripts/error.ts";
import { resolveGuest } from "../../../scripts/policy/guest-images.ts";
import { multiboot, multiboot2, type SystemDescription } from "../../../scripts/policy/language.ts";
import { checkDescription } from "../../../scripts/policy/load.ts";
import type { ImageFiles } from "../../../scripts/policy/images.ts";
import { moduleBytes } from "../../../scripts/policy/modules.ts";
import { Random } from "../monitor/decoder/native/random.ts";
import { LOAD, pattern } from "../monitor/loader/images.ts";
import { ENTRY, makeHeader, makeHeader2, makeKernel } from "../monitor/loader/multiboot-images.ts";
import { compileParts, Parts } from "../monitor/parts.ts";

const MEMORY = 8 << 20;
const ROUNDS = 1500;
/** Bytes that carry meaning: headers of the file and of its first segment. */
const DAMAGED = 260;
/** Values at which checks turn. */
const EDGES = [0, 1, 2, 3, 8, 0x10, 0x7f, 0x80, 0xff];

let folder: string;
let module: WebAssembly.Module;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-agreement-"));
  module = await compileParts();
}, 60_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The files of the image, or null if the compiler refuses it. */
function compiled(image: SystemDescription["partitions"][number]["image"]): ImageFiles | null {
  const system = checkDescription({ name: "test", partitions: [{ name: "one", core: 0, memory: "8 MiB", image }] }, "test.ts");
  const partition = system.partitions[0]!;
  if (partition.image.kind !== "multiboot" && partition.image.kind !== "multiboot2") throw new Error("no multiboot image");
  try {
    return resolveGuest(partition, partition.image, 0, path.join(folder, "system.ts"));
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

function loaded(parts: Parts, kind: ImageKind, kernel: Buffer): LoadStatus {
  parts.images[0] = kernel;
  return parts.load(kind);
}

test.each([
  ["multiboot", multiboot, ImageKind.Multiboot, [makeHeader(), makeHeader(0x10003, [0x200000, 0x200000, 0x200100, 0x201000, ENTRY])]],
  ["multiboot2", multiboot2, ImageKind.Multiboot2, [makeHeader2([{ type: 3, content: [ENTRY] }, { type: 1, content: [1, 4, 6, 15] }]), makeHeader2([{ type: 10, content: [0, 0xffffffff, 4096, 0] }])]],
] as const)("%s", (_name, language, kind, headers) => {
  const random = new Random(0xa9eedn);
  const file = path.join(folder, "kernel");
  const parts = new Parts(module, MEMORY);
  const verdicts = { accepted: 0, refused: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const header = headers[random.below(headers.length)]!;
    const segments = random.below(2) === 0 ? [] : [{ type: LOAD, address: 0x400000n, bytes: pattern(64), memorySize: 0x1000n }];
    const kernel = makeKernel(header, { bits: random.below(2) === 0 ? 32 : 64, segments });
    const changes = Array.from({ length: 1 + random.below(3) }, () => ({
      at: random.below(DAMAGED), value: random.below(2) === 0 ? random.below(256) : EDGES[random.below(EDGES.length)]!,
    }));
    for (const { at, value } of changes) kernel.writeUInt8(value, at);
    writeFileSync(file, kernel);
    const accepted = compiled(language({ kernel: "kernel" }));
    const status = loaded(parts, kind, accepted === null ? kernel : moduleBytes(accepted.kernel));
    const subject = `round ${round}: the loader says ${status} of ${kernel.toString("hex", 0, DAMAGED)} with ${JSON.stringify(changes)}`;
    expect(accepted !== null, subject).toBe(status === LoadStatus.Done);
    verdicts[accepted === null ? "refused" : "accepted"]++;
  }
  expect(verdicts.accepted).toBeGreaterThan(ROUNDS / 10);
  expect(verdicts.refused).toBeGreaterThan(ROUNDS / 10);
});
