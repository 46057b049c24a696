// Interrupt vectors of the real machine. 0-31 are exceptions.

export const enum HostVector {
  ConsoleInput = 0x40, // COM1, IRQ 4
  RemappingFault = 0x41, // a unit of VT-d has recorded a fault; core 0
  DevicesPosted = 0x42, // hardware has posted messages of this core's functions, see kernel/vtd/posted.ts
  DeviceFirst = 0x50, // messages of the PCI functions that this core's partition owns, one vector each
  DeviceLast = 0xef,
  Mailbox = 0xf0, // another core put something into this core's mailbox, or asks core 0 to drain a console ring
  Kick = 0xf1, // another core of this core's partition changed what this vCPU must look at, see kernel/partition/kick.ts
  PostedInterrupt = 0xf2, // the processor posts to the vCPU that it runs; taken only where none runs, see kernel/partition/virtual-interrupts.ts
  Spurious = 0xff,
}
