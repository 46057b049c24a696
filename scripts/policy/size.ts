// Sizes of memory as text.

const units: Record<string, number> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Bytes of "96 MiB" and the like; null if the text is no size or too large to count. */
export function parseSize(text: string): number | null {
  const match = /^\s*(\d+)\s*(KiB|MiB|GiB)\s*$/.exec(text);
  if (match === null) return null;
  const bytes = Number(match[1]) * units[match[2]!]!;
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** The shortest exact text of a size. */
export function formatSize(bytes: number): string {
  if (bytes > 0 && bytes % units.GiB! === 0) return `${bytes / units.GiB!} GiB`;
  if (bytes % units.MiB! === 0) return `${bytes / units.MiB!} MiB`;
  if (bytes % units.KiB! === 0) return `${bytes / units.KiB!} KiB`;
  return `${bytes} bytes`;
}
