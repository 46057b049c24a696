// 256-bit maps of interrupt vectors as in the APIC's registers: 32 bits at each multiple of 16 bytes (SDM 3A 11.8.4).

// @ts-ignore: decorator
@inline function word(map: usize, vector: u32): usize {
  return map + ((vector & 0xff) >> 5 << 4);
}

export function setVector(map: usize, vector: u32): void {
  const address = word(map, vector);
  store<u32>(address, load<u32>(address) | ((<u32>1) << (vector & 31)));
}

export function clearVector(map: usize, vector: u32): void {
  const address = word(map, vector);
  store<u32>(address, load<u32>(address) & ~((<u32>1) << (vector & 31)));
}

export function hasVector(map: usize, vector: u32): bool {
  return ((load<u32>(word(map, vector)) >> (vector & 31)) & 1) != 0;
}

function isEmpty(map: usize): bool {
  return (load<u32>(map) | load<u32>(map, 0x10) | load<u32>(map, 0x20) | load<u32>(map, 0x30)
    | load<u32>(map, 0x40) | load<u32>(map, 0x50) | load<u32>(map, 0x60) | load<u32>(map, 0x70)) == 0;
}

/** Highest vector in the map; 0 if it is empty, as vectors below 16 are never entered. */
export function highestVector(map: usize): u32 {
  if (isEmpty(map)) return 0;
  let part: u32 = 7;
  while (load<u32>(map + (part << 4)) == 0) part--;
  return (part << 5) + 31 - clz(load<u32>(map + (part << 4)));
}
