// The message by which a device names an entry of the interrupt remapping table, VT-d 4.1 5.1.2.2.

/** Remappable message address: bits 31:20, interrupt format, handle bits 14:0 and 15; SHV is 0. */
const MESSAGE_BASE: u32 = 0xfee00000;
const MESSAGE_REMAPPABLE: u32 = 1 << 4;
const MESSAGE_HANDLE_SHIFT: u32 = 5;
const MESSAGE_HANDLE: u32 = 0x7fff;
/** Data of a remappable message without a subhandle. */
export const MESSAGE_DATA: u32 = 0;

/** Address of the message (MSI, MSI-X, HPET) that names the entry `index`; its data is MESSAGE_DATA. */
export function messageAddress(index: u32): u32 {
  return MESSAGE_BASE | MESSAGE_REMAPPABLE | ((index & MESSAGE_HANDLE) << MESSAGE_HANDLE_SHIFT) | ((index >> 15) << 2);
}
