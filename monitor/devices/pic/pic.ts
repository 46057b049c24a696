// The pair of 8259A interrupt controllers (Intel 8259A data sheet; ELCR from the PIIX4 data sheet).

import { hasDevice, hasDisk } from "../../configuration";
import { Device, GSI_DISK, GSI_SCI } from "../../interface";
import { setIoApicLine } from "../io-apic";
import { raiseLint0 } from "../local-apic/lint";
import { setExternal } from "../local-apic/priority";
import { CASCADE, Chip, MASTER, NONE, service, signalled, SLAVE } from "./chip";
import { writeCommand, writeData } from "./commands";

/** Ports of the pair. */
export const enum PicPort {
  MasterCommand = 0x20,
  MasterData = 0x21,
  SlaveCommand = 0xa0,
  SlaveData = 0xa1,
  MasterElcr = 0x4d0,
  SlaveElcr = 0x4d1,
}

const SPURIOUS: u32 = 7;
/** I/O APIC pin to which the INT output is wired, as on PCs (MP specification 3.6.2.2). */
const IO_APIC_PIN: u32 = 0;

/** As firmware leaves the pair: on the vectors of the PC BIOS, with the cascade and request 11, which PCI functions share, open; SCI and disk are levels. */
export function resetPic(): void {
  memory.fill(changetype<usize>(MASTER), 0, offsetof<Chip>());
  memory.fill(changetype<usize>(SLAVE), 0, offsetof<Chip>());
  MASTER.mask = 0xff & ~(1 << CASCADE);
  MASTER.vectorBase = 0x08;
  SLAVE.mask = 0xff & ~(1 << 3);
  SLAVE.vectorBase = 0x70;
  SLAVE.levels = (hasDevice(Device.PowerManagement) ? 1 << (GSI_SCI - 8) : 0) | (hasDisk() ? 1 << (GSI_DISK - 8) : 0);
  lowerOutput();
}

/** The INT output, wired to LINT0 of vCPU 0 and to the I/O APIC. */
function present(isHigh: bool, vector: u32): void {
  if (!setExternal(isHigh, vector)) return;
  setIoApicLine(IO_APIC_PIN, isHigh);
  if (isHigh) raiseLint0();
}

/** With an acknowledge the output falls; if something else is requested it rises again, which is an edge. */
function lowerOutput(): void {
  present(false, MASTER.vectorBase | SPURIOUS);
}

/** Carries the slave's output to the master and the master's to LINT0. */
function update(): void {
  const slave = signalled(SLAVE);
  if (slave != NONE) MASTER.requests |= 1 << CASCADE;
  else MASTER.requests &= ~((<u32>1) << CASCADE);
  const master = signalled(MASTER);
  if (master == NONE) lowerOutput();
  else if (master == CASCADE) present(true, SLAVE.vectorBase | slave);
  else present(true, MASTER.vectorBase | master);
}

/**
 * Drives one of the 16 lines; line 2 is the cascade and taken. A request goes with its line, also an edge's ("Interrupt Triggering"),
 * unless `keepsEdge` says that the line falls only to be ready for the next edge.
 */
export function setPicLine(irq: u32, isHigh: bool, keepsEdge: bool): void {
  const chip = irq < 8 ? MASTER : SLAVE;
  const bit: u32 = 1 << (irq & 7);
  if (isHigh) {
    if ((chip.lines & bit) == 0 || (chip.levels & bit) != 0) chip.requests |= bit;
    chip.lines |= bit;
  } else {
    if (!keepsEdge || (chip.levels & bit) != 0) chip.requests &= ~bit;
    chip.lines &= ~bit;
  }
  update();
}

/** A line that becomes a level requests service while it is high, and only then. */
function setLevels(chip: Chip, levels: u32): void {
  chip.levels = levels;
  chip.requests = (chip.requests & ~levels) | (chip.lines & levels);
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
  lowerOutput();
  update();
  return vector;
}

/** Writes a byte to one of the ports of PicPort. */
export function writePic(port: u32, value: u32): void {
  switch (port) {
    case PicPort.MasterCommand: writeCommand(MASTER, value); break;
    case PicPort.MasterData: writeData(MASTER, value); break;
    case PicPort.SlaveCommand: writeCommand(SLAVE, value); break;
    case PicPort.SlaveData: writeData(SLAVE, value); break;
    case PicPort.MasterElcr: setLevels(MASTER, value & 0xf8); break;
    case PicPort.SlaveElcr: setLevels(SLAVE, value & 0xde); break;
  }
  update();
}

/** A poll acknowledges the request that it reports. */
function poll(chip: Chip): u32 {
  chip.isPolled = 0;
  const request = signalled(chip);
  if (request == NONE) return 0;
  service(chip, request);
  lowerOutput();
  update();
  return 0x80 | request;
}

function readCommand(chip: Chip): u32 {
  return chip.readsInService != 0 ? chip.inService : chip.requests;
}

/** After a poll command the next read of either port is the acknowledge. */
function readChip(chip: Chip, isCommand: bool): u32 {
  if (chip.isPolled != 0) return poll(chip);
  return isCommand ? readCommand(chip) : chip.mask;
}

/** Reads a byte from one of the ports of PicPort. */
export function readPic(port: u32): u32 {
  switch (port) {
    case PicPort.MasterCommand:
    case PicPort.MasterData: return readChip(MASTER, port == PicPort.MasterCommand);
    case PicPort.SlaveCommand:
    case PicPort.SlaveData: return readChip(SLAVE, port == PicPort.SlaveCommand);
    case PicPort.MasterElcr: return MASTER.levels;
    default: return SLAVE.levels;
  }
}
