// The two 8259A interrupt controllers, which the kernel does not use: moved off the exception vectors and masked.

import { out8 } from "../../drivers/port";

const MASTER_COMMAND: u16 = 0x20;
const MASTER_DATA: u16 = 0x21;
const SLAVE_COMMAND: u16 = 0xa0;
const SLAVE_DATA: u16 = 0xa1;

const ICW1_INITIALISE: u8 = 0x11; // edge triggered, cascade, ICW4 follows
const ICW4_8086: u8 = 0x01;
const MASTER_VECTOR: u8 = 0x20;
const SLAVE_VECTOR: u8 = 0x28;
const MASTER_CASCADE: u8 = 0x04; // slave on input 2
const SLAVE_IDENTITY: u8 = 0x02;
const MASK_ALL: u8 = 0xff;

export function disable(): void {
  out8(MASTER_COMMAND, ICW1_INITIALISE);
  out8(SLAVE_COMMAND, ICW1_INITIALISE);
  out8(MASTER_DATA, MASTER_VECTOR);
  out8(SLAVE_DATA, SLAVE_VECTOR);
  out8(MASTER_DATA, MASTER_CASCADE);
  out8(SLAVE_DATA, SLAVE_IDENTITY);
  out8(MASTER_DATA, ICW4_8086);
  out8(SLAVE_DATA, ICW4_8086);
  out8(MASTER_DATA, MASK_ALL);
  out8(SLAVE_DATA, MASK_ALL);
}
