// Interrupt vectors of the real machine. 0-31 are exceptions.

export const enum HostVector {
  ConsoleInput = 0x40, // COM1, IRQ 4
  Mailbox = 0xf0, // another core put something into this core's mailbox, or asks core 0 to drain a console ring
  Spurious = 0xff,
}
