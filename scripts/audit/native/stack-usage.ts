// Reads clang's -fstack-usage output: bytes of stack that each function of a C file takes.

export interface StackUse {
  function: string;
  /** Bytes, without the return address. */
  bytes: number;
  /** A frame whose size is not known when it is compiled (alloca). */
  dynamic: boolean;
}

/** Lines are FILE:LINE:FUNCTION, bytes and kind, separated by tabs. */
export function parseStackUsage(text: string): StackUse[] {
  return text.split("\n").flatMap((line) => {
    const [place, bytes, kind] = line.split("\t");
    if (place === undefined || bytes === undefined || kind === undefined) return [];
    return [{ function: place.slice(place.lastIndexOf(":") + 1), bytes: Number(bytes), dynamic: kind.startsWith("dynamic") && !kind.includes("bounded") }];
  });
}
