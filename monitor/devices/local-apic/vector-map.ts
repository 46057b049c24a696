// 256-bit maps of interrupt vectors, four u64 words each.

// @ts-ignore: decorator
@inline function word(map: usize, vector: u32): usize {
  return map + ((vector & 0xff) >> 6 << 3);
}

export function setVector(map: usize, vector: u32): void {
  const address = word(map, vector);
  store<u64>(address, load<u64>(address) | ((<u64>1) << (vector & 63)));
}

export function clearVector(map: usize, vector: u32): void {
  const address = word(map, vector);
  store<u64>(address, load<u64>(address) & ~((<u64>1) << (vector & 63)));
}

export function hasVector(map: usize, vector: u32): bool {
  return ((load<u64>(word(map, vector)) >> (vector & 63)) & 1) != 0;
}

/** Highest vector in the map; 0 if it is empty, as vectors below 16 are never entered. */
export function highestVector(map: usize): u32 {
  let bits = load<u64>(map, 24);
  if (bits != 0) return 255 - <u32>clz(bits);
  bits = load<u64>(map, 16);
  if (bits != 0) return 191 - <u32>clz(bits);
  bits = load<u64>(map, 8);
  if (bits != 0) return 127 - <u32>clz(bits);
  bits = load<u64>(map);
  return bits != 0 ? 63 - <u32>clz(bits) : 0;
}
