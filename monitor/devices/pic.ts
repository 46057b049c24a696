// The pair of 8259A interrupt controllers (Intel 8259A data sheet; ELCR from the PIIX4 data sheet).

import { setExternalVector } from "./local-apic/priority";

/** Ports of the pair. */
export const enum PicPort {
  MasterCommand = 0x20,
  MasterData = 0x21,
  SlaveCommand = 0xa0,
  SlaveData = 0xa1,
  MasterElcr = 0x4d0,
  SlaveElcr = 0x4d1,
}

/** Initialization command words 1 and 4. */
const enum Initialization {
  Icw4Needed = 1 << 0,
  Single = 1 << 1,
  Icw1 = 1 << 4,
  AutoEoi = 1 << 1, // ICW4
  SpecialFullyNested = 1 << 4, // ICW4
}

/** Operation command word 3. */
const enum Operation {
  ReadSelect = 1 << 1,
  ReadInService = 1 << 0,
  Poll = 1 << 2,
  Ocw3 = 1 << 3,
  SpecialMaskValue = 1 << 5,
  SpecialMaskEnable = 1 << 6,
}

/** Operation command word 2, bits 7:5. */
const enum EndOfInterrupt {
  RotateAutoClear = 0,
  NonSpecific = 1,
  Specific = 3,
  RotateAutoSet = 4,
  RotateNonSpecific = 5,
  SetPriority = 6,
  RotateSpecific = 7,
}

/** The word that the data port takes next. */
const enum Expect { Mask = 0, Icw2 = 1, Icw3 = 2, Icw4 = 3 }

const CASCADE: u32 = 2;
const NONE: u32 = 8;
const SPURIOUS: u32 = 7;

// @ts-ignore: decorator
@unmanaged class Chip {
  lines: u32;
  requests: u32; // IRR
  inService: u32; // ISR
  mask: u32; // IMR
  levels: u32; // ELCR
  vectorBase: u32;
  /** The request with the highest priority; 0 unless rotated. */
  first: u32;
  expect: u32;
  needsIcw4: u32;
  isSingle: u32;
  isAutoEoi: u32;
  rotatesOnAutoEoi: u32;
  isSpecialMask: u32;
  isSpecialFullyNested: u32;
  readsInService: u32;
  isPolled: u32;
}

const MASTER = changetype<Chip>(memory.data(64, 8));
const SLAVE = changetype<Chip>(memory.data(64, 8));

/** Both masked, as firmware leaves them. */
export function resetPic(): void {
  memory.fill(changetype<usize>(MASTER), 0, offsetof<Chip>());
  memory.fill(changetype<usize>(SLAVE), 0, offsetof<Chip>());
  MASTER.mask = 0xff;
  SLAVE.mask = 0xff;
  setExternalVector(0);
}

/** Steps from the first in priority to the first bit set, NONE if there is none. */
function priorityOf(bits: u32, first: u32): u32 {
  if (bits == 0) return NONE;
  return ctz(((bits >> first) | (bits << (8 - first))) & 0xff);
}

/** Request that the chip signals, or NONE. */
function signalled(chip: Chip): u32 {
  const requested = priorityOf(chip.requests & ~chip.mask, chip.first);
  if (requested == NONE) return NONE;
  let blocking = chip.inService;
  if (chip.isSpecialMask != 0) blocking &= ~chip.mask;
  if (chip.isSpecialFullyNested != 0 && chip == MASTER) blocking &= ~((<u32>1) << CASCADE);
  return requested < priorityOf(blocking, chip.first) ? (requested + chip.first) & 7 : NONE;
}

/** Carries the slave's output to the master and the master's to LINT0. */
function update(): void {
  const slave = signalled(SLAVE);
  if (slave != NONE) MASTER.requests |= 1 << CASCADE;
  else MASTER.requests &= ~((<u32>1) << CASCADE);
  const master = signalled(MASTER);
  if (master == NONE) setExternalVector(0);
  else if (master == CASCADE) setExternalVector(SLAVE.vectorBase | slave);
  else setExternalVector(MASTER.vectorBase | master);
}

/** Drives one of the 16 lines; line 2 is the cascade and taken. */
export function setPicLine(irq: u32, isHigh: bool): void {
  const chip = irq < 8 ? MASTER : SLAVE;
  const bit: u32 = 1 << (irq & 7);
  if (isHigh) {
    if ((chip.lines & bit) == 0 || (chip.levels & bit) != 0) chip.requests |= bit;
    chip.lines |= bit;
  } else {
    if ((chip.levels & bit) != 0) chip.requests &= ~bit;
    chip.lines &= ~bit;
  }
  update();
}

function service(chip: Chip, request: u32): void {
  const bit: u32 = 1 << request;
  if ((chip.levels & bit) == 0) chip.requests &= ~bit;
  if (chip.isAutoEoi == 0) chip.inService |= bit;
  else if (chip.rotatesOnAutoEoi != 0) chip.first = (request + 1) & 7;
}

/** The processor's interrupt acknowledge: returns the vector, that of IR7 if the request has gone. */
export function acknowledgePic(): u32 {
  const master = signalled(MASTER);
  if (master == NONE) return MASTER.vectorBase | SPURIOUS;
  let vector = MASTER.vectorBase | master;
  if (master == CASCADE) {
    const slave = signalled(SLAVE);
    if (slave != NONE) service(SLAVE, slave);
    vector = SLAVE.vectorBase | (slave != NONE ? slave : SPURIOUS);
  }
  service(MASTER, master);
  update();
  return vector;
}

/** ICW1 resets all but the mask's meaning and the ELCR; a line that stays high needs a new edge. */
function initialise(chip: Chip, value: u32): void {
  const lines = chip.lines;
  const levels = chip.levels;
  memory.fill(changetype<usize>(chip), 0, offsetof<Chip>());
  chip.lines = lines;
  chip.levels = levels;
  chip.requests = lines & levels;
  chip.expect = Expect.Icw2;
  chip.needsIcw4 = value & Initialization.Icw4Needed;
  chip.isSingle = value & Initialization.Single;
}

function writeOcw3(chip: Chip, value: u32): void {
  if ((value & Operation.Poll) != 0) chip.isPolled = 1;
  if ((value & Operation.ReadSelect) != 0) chip.readsInService = value & Operation.ReadInService;
  if ((value & Operation.SpecialMaskEnable) != 0) chip.isSpecialMask = value & Operation.SpecialMaskValue;
}

function endInterrupt(chip: Chip, request: u32, rotates: bool): void {
  chip.inService &= ~((<u32>1) << request);
  if (rotates) chip.first = (request + 1) & 7;
}

function writeOcw2(chip: Chip, value: u32): void {
  const command = value >> 5;
  const request = value & 7;
  switch (command) {
    case EndOfInterrupt.RotateAutoClear:
    case EndOfInterrupt.RotateAutoSet:
      chip.rotatesOnAutoEoi = command >> 2;
      return;
    case EndOfInterrupt.NonSpecific:
    case EndOfInterrupt.RotateNonSpecific: {
      const priority = priorityOf(chip.inService, chip.first);
      if (priority != NONE) endInterrupt(chip, (priority + chip.first) & 7, command == EndOfInterrupt.RotateNonSpecific);
      return;
    }
    case EndOfInterrupt.Specific:
    case EndOfInterrupt.RotateSpecific:
      endInterrupt(chip, request, command == EndOfInterrupt.RotateSpecific);
      return;
    case EndOfInterrupt.SetPriority:
      chip.first = (request + 1) & 7;
      return;
  }
}

function writeCommand(chip: Chip, value: u32): void {
  if ((value & Initialization.Icw1) != 0) initialise(chip, value);
  else if ((value & Operation.Ocw3) != 0) writeOcw3(chip, value);
  else writeOcw2(chip, value);
}

function writeData(chip: Chip, value: u32): void {
  const afterIcw3 = chip.needsIcw4 != 0 ? Expect.Icw4 : Expect.Mask;
  switch (chip.expect) {
    case Expect.Mask:
      chip.mask = value;
      return;
    case Expect.Icw2:
      chip.vectorBase = value & 0xf8;
      chip.expect = chip.isSingle != 0 ? afterIcw3 : Expect.Icw3;
      return;
    case Expect.Icw3:
      chip.expect = afterIcw3;
      return;
    case Expect.Icw4:
      chip.isSpecialFullyNested = value & Initialization.SpecialFullyNested;
      chip.isAutoEoi = value & Initialization.AutoEoi;
      chip.expect = Expect.Mask;
      return;
  }
}

/** Writes a byte to one of the ports of PicPort. */
export function writePic(port: u32, value: u32): void {
  switch (port) {
    case PicPort.MasterCommand: writeCommand(MASTER, value); break;
    case PicPort.MasterData: writeData(MASTER, value); break;
    case PicPort.SlaveCommand: writeCommand(SLAVE, value); break;
    case PicPort.SlaveData: writeData(SLAVE, value); break;
    case PicPort.MasterElcr: MASTER.levels = value & 0xf8; break;
    case PicPort.SlaveElcr: SLAVE.levels = value & 0xde; break;
  }
  update();
}

/** A poll acknowledges the request that it reports. */
function poll(chip: Chip): u32 {
  chip.isPolled = 0;
  const request = signalled(chip);
  if (request == NONE) return 0;
  service(chip, request);
  update();
  return 0x80 | request;
}

function readCommand(chip: Chip): u32 {
  if (chip.isPolled != 0) return poll(chip);
  return chip.readsInService != 0 ? chip.inService : chip.requests;
}

/** Reads a byte from one of the ports of PicPort. */
export function readPic(port: u32): u32 {
  switch (port) {
    case PicPort.MasterCommand: return readCommand(MASTER);
    case PicPort.MasterData: return MASTER.mask;
    case PicPort.SlaveCommand: return readCommand(SLAVE);
    case PicPort.SlaveData: return SLAVE.mask;
    case PicPort.MasterElcr: return MASTER.levels;
    default: return SLAVE.levels;
  }
}
