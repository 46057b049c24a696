// Words of the kernel command line, such as `console=e9,com1`. Blanks separate words, commas the values of a key.

import { load8 } from "../../kernel/memory/physical";
import { commandLineAddress, commandLineSize } from "./boot-information";

const BLANK: u8 = 0x20;
const COMMA: u8 = 0x2c;
const NOT_FOUND: u32 = u32.MAX_VALUE;

/** A blank past the end, so that the last word ends like the others. */
function byteAt(index: u32): u8 { return index < commandLineSize() ? load8(commandLineAddress() + index) : BLANK; }

function hasTextAt(text: string, at: u32): bool {
  for (let i: u32 = 0; i < <u32>text.length; i++) {
    if (byteAt(at + i) != <u8>text.charCodeAt(i)) return false;
  }
  return true;
}

/** Offset of the first word that begins with `prefix`, or NOT_FOUND. */
function findWord(prefix: string): u32 {
  for (let at: u32 = 0; at < commandLineSize(); at++) {
    if ((at == 0 || byteAt(at - 1) == BLANK) && hasTextAt(prefix, at)) return at;
  }
  return NOT_FOUND;
}

/** True if a word begins with `key`, which includes its `=`. */
export function commandLineHasKey(key: string): bool { return findWord(key) != NOT_FOUND; }

/** True if `value` is one of the comma-separated values of the first word that begins with `key`, which includes its `=`. */
export function commandLineKeyHas(key: string, value: string): bool {
  const word = findWord(key);
  if (word == NOT_FOUND) return false;
  const first = word + <u32>key.length;
  for (let at = first; byteAt(at) != BLANK; at++) {
    if (at != first && byteAt(at - 1) != COMMA) continue;
    if (!hasTextAt(value, at)) continue;
    const end = byteAt(at + <u32>value.length);
    if (end == BLANK || end == COMMA) return true;
  }
  return false;
}
