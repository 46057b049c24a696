// The whole build: kernel image and TypeScript partitions.

import { UserError } from "../error.ts";
import { buildKernel } from "./kernel.ts";
import { withBuildLock } from "./lock.ts";
import { buildPartition, partitionNames } from "./partition.ts";
import { createProgress, type Progress } from "./progress.ts";
import { clangVersion } from "./versions.ts";

/** Brings everything in build/ up to date. */
export async function build(progress: Progress = createProgress()): Promise<void> {
  await withBuildLock(async () => {
    const clang = await clangVersion();
    try {
      await throwFirst([buildKernel(clang, progress), ...partitionNames().map((name) => buildPartition(name, clang, progress))]);
    } finally {
      progress.stop();
    }
  });
}

/** Waits for all, so that nothing still writes when an error is shown; then throws all user errors as one. */
async function throwFirst(work: Promise<void>[]): Promise<void> {
  const failures = (await Promise.allSettled(work)).flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  if (failures.length === 0) return;
  const other = failures.find((failure) => !(failure instanceof UserError));
  if (other !== undefined) throw other;
  const errors = failures as UserError[];
  throw new UserError(errors.map((error) => error.message).join("\n\n"), errors.map((error) => error.remedy).join("\n"));
}
