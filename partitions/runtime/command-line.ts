// The partition's command line: words between blanks.

/** Byte of the command line, 0 at its end. Do not ask beyond the end. */
@external("machine", "commandLineByte") declare function commandLineByte(index: u32): u32;

const CAPACITY: u32 = 2048;
const BLANK: u8 = 32;

const text: usize = memory.data(2048, 8);

/** Copies the command line, cut to what fits; returns its address in linear memory. It ends with 0. */
export function readCommandLine(): usize {
  let length: u32 = 0;
  while (length < CAPACITY - 1 && commandLineByte(length) != 0) {
    store<u8>(text + length, <u8>commandLineByte(length));
    length++;
  }
  store<u8>(text + length, 0);
  return text;
}

/** Start of the first word at or after `at`; there is none if a 0 stands there. */
export function findWord(at: usize): usize {
  while (load<u8>(at) == BLANK) at++;
  return at;
}

/** End of the word that starts at `word`. */
export function endOfWord(word: usize): usize {
  while (load<u8>(word) != 0 && load<u8>(word) != BLANK) word++;
  return word;
}

/** Whether the text at `at` begins with `prefix`. */
export function startsWith(at: usize, prefix: string): bool {
  for (let index = 0; index < prefix.length; index++) {
    if (<i32>load<u8>(at + <usize>index) != prefix.charCodeAt(index)) return false;
  }
  return true;
}

/** Number at `at`: decimal, or hexadecimal after 0x; it ends at the first other character. */
export function parseNumber(at: usize): u64 {
  const radix: u64 = startsWith(at, "0x") ? 16 : 10;
  if (radix == 16) at += 2;
  let value: u64 = 0;
  for (let digit = digitOf(load<u8>(at)); digit < radix; digit = digitOf(load<u8>(++at))) {
    value = value * radix + digit;
  }
  return value;
}

/** Value of the digit, 255 if it is none. */
function digitOf(character: u8): u64 {
  if (character >= 48 && character <= 57) return <u64>(character - 48);
  if (character >= 97 && character <= 102) return <u64>(character - 87);
  return 255;
}

/** Value of the word NAME=NUMBER, or `otherwise` if there is none; `name` includes the equals sign. */
export function numberOption(name: string, otherwise: u64): u64 {
  let word = findWord(readCommandLine());
  while (load<u8>(word) != 0) {
    if (startsWith(word, name)) return parseNumber(word + <usize>name.length);
    word = findWord(endOfWord(word));
  }
  return otherwise;
}
