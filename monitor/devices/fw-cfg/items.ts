// Items of the firmware configuration device (QEMU docs/specs/fw_cfg): keys, and bytes in the monitor's memory that the guest reads.

const CAPACITY: u32 = 6144;
const STORE = memory.data(6144, 8); // CAPACITY
const MAXIMUM_ITEMS: u32 = 24;
const ITEMS = memory.data(288, 8); // MAXIMUM_ITEMS of Item.Size

const enum Item { Key = 0, Address = 4, Length = 8, Size = 12 } // u32 each

let items: u32 = 0;
let position: u32 = 0;

export function clearItems(): void {
  items = 0;
  position = 0;
}

/** An item whose bytes lie at `address`. */
export function addItem(key: u32, address: usize, length: u32): void {
  if (items == MAXIMUM_ITEMS) return;
  const record = ITEMS + items * Item.Size;
  store<u32>(record, key, Item.Key);
  store<u32>(record, <u32>address, Item.Address);
  store<u32>(record, length, Item.Length);
  items++;
}

/** Where the next put byte goes; the store of this device has room for all that contents.ts puts. */
export function nextByte(): usize {
  return STORE + position;
}

/** An item of the bytes put since `start`, a result of nextByte(). */
export function addPutItem(key: u32, start: usize): void {
  addItem(key, start, <u32>(nextByte() - start));
}

export function put(value: u32): void {
  if (position == CAPACITY) return;
  store<u8>(STORE + position, <u8>value);
  position++;
}

/** `bytes` bytes, lowest first. */
export function putLittle(value: u64, bytes: u32): void {
  for (let byte: u32 = 0; byte < bytes; byte++) put(<u32>(value >> (byte << 3)));
}

/** `bytes` bytes, highest first. */
export function putBig(value: u32, bytes: u32): void {
  for (let byte = bytes; byte > 0; byte--) put(value >> ((byte - 1) << 3));
}

/** `text` in ASCII, filled up with zeros to `width` bytes. */
export function putName(text: string, width: u32): void {
  for (let i: u32 = 0; i < width; i++) put(i < <u32>text.length ? text.charCodeAt(i) : 0);
}

/** The byte at `offset` of the item `key`: 0 behind its end, and where there is no such item. */
export function itemByte(key: u32, offset: u32): u32 {
  for (let index: u32 = 0; index < items; index++) {
    const record = ITEMS + index * Item.Size;
    if (load<u32>(record, Item.Key) != key) continue;
    return offset < load<u32>(record, Item.Length) ? load<u8>(load<u32>(record, Item.Address) + offset) : 0;
  }
  return 0;
}
