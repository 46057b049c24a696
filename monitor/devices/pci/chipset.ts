// The chipset that firmware for QEMU's "pc" knows: 82441FX host bridge at 0.0, 82371SB ISA bridge at 1.0, 82371AB power management at
// 1.3. Only their configuration registers are there. What firmware would have to set up is set up after power-up: power
// management ports are at PORT_PM1A_EVENT, and no write raises an SMI.

import { PORT_PM1A_EVENT } from "../../interface";
import { clearConfigSpace, defineRegister, HOST_BRIDGE } from "./config-space";
import { Command, Header } from "./register";

/** Configuration spaces behind those of the device numbers that functions have. */
const ISA_BRIDGE: u32 = 14;
const POWER_MANAGEMENT: u32 = 15;
export const NO_SPACE: u32 = 0xffffffff;

const SOUTH_BRIDGE_DEVICE: u32 = 1;
const POWER_MANAGEMENT_FUNCTION: u32 = 3;

const SUBSYSTEM_QEMU: u32 = 0x11001af4;
const MULTIFUNCTION: u32 = 0x80 << 16;
const COMMAND_WRITABLE: u32 = Command.IoSpace | Command.MemorySpace | Command.BusMaster | Command.SerrEnable;

/**
 * 82441FX data sheet 3.2.18: PAM0-PAM6 at 0x59-0x5f say where accesses from 0xc0000 to 0xfffff go. They are kept, but RAM answers whatever
 * they say; after power-up they say ROM, so that firmware copies what of it belongs there.
 */
const enum HostBridge { Identity = 0x12378086, Class = 0x06000002, Attributes = 0x58, AttributesHigh = 0x5c }

/** 82371SB data sheet 2.2.10: PIRQRC[A:D]; bit 7 routes the pin nowhere. */
const enum IsaBridge { Identity = 0x70008086, Class = 0x06010000, Routes = 0x60 }
const NO_ROUTES: u32 = 0x80808080;

/** 82371AB data sheet 7.1: PMBA, DEVACTB, PMREGMISC. */
const enum Power { Identity = 0x71138086, Class = 0x06800003, Base = 0x40, DeviceActivityB = 0x58, Miscellaneous = 0x80 }
const IO_SPACE: u32 = 1;
const INTERRUPT_9_PIN_A: u32 = 0x109;
const INTERRUPT_LINE: u32 = 0xff;
const SMI_DONE: u32 = 1 << 25; // APMC_EN, by which firmware knows that SMM is set up
const PORTS_ENABLED: u32 = 1; // PMIOSE

export function resetChipset(): void {
  clearConfigSpace(HOST_BRIDGE);
  defineRegister(HOST_BRIDGE, Header.Identity, HostBridge.Identity, 0);
  defineRegister(HOST_BRIDGE, Header.Command, 0, COMMAND_WRITABLE);
  defineRegister(HOST_BRIDGE, Header.ClassRevision, HostBridge.Class, 0);
  defineRegister(HOST_BRIDGE, Header.Subsystem, SUBSYSTEM_QEMU, 0);
  defineRegister(HOST_BRIDGE, HostBridge.Attributes, 0, 0xffffff00);
  defineRegister(HOST_BRIDGE, HostBridge.AttributesHigh, 0, u32.MAX_VALUE);
  defineFunction(ISA_BRIDGE, IsaBridge.Identity, IsaBridge.Class);
  defineRegister(ISA_BRIDGE, Header.CacheLine, MULTIFUNCTION, 0);
  defineRegister(ISA_BRIDGE, IsaBridge.Routes, NO_ROUTES, u32.MAX_VALUE);
  defineFunction(POWER_MANAGEMENT, Power.Identity, Power.Class);
  defineRegister(POWER_MANAGEMENT, Header.InterruptLine, INTERRUPT_9_PIN_A, INTERRUPT_LINE);
  defineRegister(POWER_MANAGEMENT, Power.Base, PORT_PM1A_EVENT | IO_SPACE, 0);
  defineRegister(POWER_MANAGEMENT, Power.DeviceActivityB, SMI_DONE, 0);
  defineRegister(POWER_MANAGEMENT, Power.Miscellaneous, PORTS_ENABLED, 0);
}

function defineFunction(space: u32, identity: u32, classRevision: u32): void {
  clearConfigSpace(space);
  defineRegister(space, Header.Identity, identity, 0);
  defineRegister(space, Header.Command, 0, COMMAND_WRITABLE);
  defineRegister(space, Header.ClassRevision, classRevision, 0);
}

/** The configuration space of a function of the south bridge, or NO_SPACE. */
export function southBridgeSpace(device: u32, functionNumber: u32): u32 {
  if (device != SOUTH_BRIDGE_DEVICE) return NO_SPACE;
  if (functionNumber == 0) return ISA_BRIDGE;
  return functionNumber == POWER_MANAGEMENT_FUNCTION ? POWER_MANAGEMENT : NO_SPACE;
}
