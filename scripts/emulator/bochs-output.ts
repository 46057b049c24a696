// What Bochs with its debugger prints around the output of the debug console.

/** The instruction at the reset vector, once for each core; then the machine runs. */
const RESET_VECTOR = /^\(\d+\) \[0x0000fffffff0\][^\n]*\n/gm;
/** Printed when the machine ends or the debugger stops it. */
const STOPPED_AT = /\(\d+\)\.\[\d+\] \[0x[0-9a-f]+\] [^\n]*\n/g;
/** Its beginning, where a piece ends within it. */
const STOPPED_AT_BEGINNING = /\(\d+\)\.\[[^\n]*$/;

/** Takes Bochs' standard output piece by piece; gives what the machine printed. */
export function bochsOutputFilter(cores: number): (bytes: Buffer) => Buffer {
  let preamble: string | undefined = "";
  let held = "";
  return (bytes) => {
    let text = bytes.toString("latin1");
    if (preamble !== undefined) {
      preamble += text;
      const last = [...preamble.matchAll(RESET_VECTOR)][cores - 1];
      if (last === undefined) return Buffer.alloc(0);
      text = preamble.slice(last.index + last[0].length);
      preamble = undefined;
    }
    text = (held + text).replace(STOPPED_AT, "");
    held = STOPPED_AT_BEGINNING.exec(text)?.[0] ?? "";
    return Buffer.from(text.slice(0, text.length - held.length), "latin1");
  };
}
