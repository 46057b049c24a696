// The guest's virtio disk (virtio 1.2): it is set up as a driver does, or nearly; then requests on its rings, some of whose descriptors are random.

import { readEnum } from "../unit/machine/source-enums.ts";
import { F, SEGMENTS } from "./fields.ts";
import type { FuzzMachine } from "./machine.ts";
import type { Random } from "./random.ts";

const registers = readEnum("monitor/devices/virtio/register.ts", "Common");
const regions = readEnum("monitor/devices/virtio/register.ts", "Region");
const EPT_VIOLATION = readEnum("kernel/cpu/vmx/exit-reason.ts", "ExitReason").get("EPT_VIOLATION")!;
const IO_INSTRUCTION = readEnum("kernel/cpu/vmx/exit-reason.ts", "ExitReason").get("IO_INSTRUCTION")!;

/** Where the monitor puts the disk's BAR, and the command register of device 2. */
const BAR = 0xfeb0_0000;
const COMMAND = 0x8000_1004;
const MEMORY_AND_BUS_MASTER = 6;
const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const DOUBLE_WORD = 3;

/** Guest-physical addresses of descriptors, available and used ring, and of what chains are made of. */
const DESCRIPTORS = 0x70_0000;
const AVAILABLE = 0x70_4000;
export const USED = 0x70_6000;
const BUFFERS = 0x71_0000;
const QUEUE_SIZES = [1, 2, 4, 8, 64, 256, 3, 0, 512] as const;
const SMALL = 8;
/** Descriptors of a request. */
const CHAIN = 3;

/** L of a code segment's access rights. */
const LONG_CODE = 1n << 13n;
/** Below the guest's page tables. */
const CODE_END = 0x50_0000n;
const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
/** Lengths of headers, sectors and status bytes, and what no request has. */
const LENGTHS = [1, 16, 512, 1024, 4096, 0x2_0000, 0, 15, 0x7fff_ffff, 0xffff_ffff] as const;
/** Type of a request: in, out, flush, device id, and unknown ones. */
const TYPES = [0, 1, 4, 8, 11, 0xffff] as const;

/** OUT of 32 bits. */
function out(machine: FuzzMachine, port: number, value: number): void {
  machine.setLow(0, value);
  machine.exitBy(IO_INSTRUCTION, { qualification: BigInt(port) << 16n | BigInt(DOUBLE_WORD), keepsState: true });
}

/** MOV DWORD [RDI], imm32 where the code is 32- or 64-bit; in 16-bit code something else. */
function write(machine: FuzzMachine, offset: number, value: number): void {
  const gpa = BigInt(BAR + offset);
  const bytes = [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
  machine.writeCode([0xc7, 0x07, ...bytes]);
  for (const register of [0, 1, 2, 3, 5, 6, 7]) machine.setLong(register, gpa);
  machine.exitBy(EPT_VIOLATION, { qualification: 0x182n, physical: gpa, linear: gpa, keepsState: true });
}

const common = (name: string): number => regions.get("Common")! + registers.get(name)!;

/** As virtio 1.2 3.1.1 has it, but for a step now and then. */
function setUp(machine: FuzzMachine, random: Random): void {
  const status = common("Status");
  const area = (address: number): number => (random.once(16) ? random.word() : address);
  const steps: [number, number][] = [
    [status, 0], [status, 3], [common("DriverFeatureSelect"), 1], [common("DriverFeature"), 1], [common("DriverFeatureSelect"), 0], [common("DriverFeature"), random.once(8) ? random.word() : 1 << 28],
    [status, 11], [common("QueueSize"), (random.once(4) ? random.pick(QUEUE_SIZES) : SMALL) | (random.once(2) ? 0xffff_0000 : 0)],
    ...[DESCRIPTORS, AVAILABLE, USED].map((address, index): [number, number] => [common("QueueAddresses") + 8 * index, area(address)]),
    [common("QueueEnable"), 1], [status, 15],
  ];
  out(machine, CONFIG_ADDRESS, COMMAND);
  out(machine, CONFIG_DATA, MEMORY_AND_BUS_MASTER);
  for (const [offset, value] of steps) if (!random.once(64)) write(machine, offset, value);
}

function descriptor(address: bigint, length: number, flags: number, next: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, address), 0);
  bytes.writeUInt32LE(length, 8);
  bytes.writeUInt16LE(flags, 12);
  bytes.writeUInt16LE(next, 14);
  return bytes;
}

function randomDescriptor(random: Random): Buffer {
  const own = random.once(8) ? DESCRIPTORS + random.below(0x8000) : BUFFERS + random.below(0x1_0000);
  const flags = random.once(8) ? random.word() & 0xffff : (random.once(2) ? NEXT : 0) | (random.once(2) ? WRITE : 0) | (random.once(8) ? INDIRECT : 0);
  return descriptor(random.once(4) ? random.operand() : BigInt(own), random.once(4) ? random.word() : random.pick(LENGTHS), flags, random.once(8) ? random.word() & 0xffff : random.below(SMALL));
}

/** A request as the device wants it (virtio 1.2 5.2.6), from descriptor `first` on: header, data, status. Some descriptors are random. */
function writeRequest(machine: FuzzMachine, random: Random, first: number): void {
  const type = random.once(4) ? random.pick(TYPES) : random.below(2);
  const buffer = BUFFERS + 0x1000 * first;
  const header = Buffer.alloc(16);
  header.writeUInt32LE(type, 0);
  header.writeBigUInt64LE(random.once(8) ? BigInt.asUintN(64, random.operand()) : BigInt(random.below(16)), 8);
  machine.writeMemory(buffer, header);
  const chain = [
    descriptor(BigInt(buffer), 16, NEXT, first + 1),
    descriptor(BigInt(buffer + 0x1000), random.once(4) ? random.pick(LENGTHS) : 512, NEXT | (type === 1 ? 0 : WRITE), first + 2),
    descriptor(BigInt(buffer + 0x2000), 1, WRITE, 0),
  ];
  chain.forEach((one, index) => machine.writeMemory(DESCRIPTORS + 16 * (first + index), random.once(12) ? randomDescriptor(random) : one));
}

function fillRings(machine: FuzzMachine, random: Random): void {
  for (const first of [0, CHAIN]) writeRequest(machine, random, first);
  for (let index = 2 * CHAIN; index < SMALL; index++) machine.writeMemory(DESCRIPTORS + 16 * index, randomDescriptor(random));
  const ring = Buffer.alloc(4 + 2 * SMALL);
  for (let index = 0; index < ring.length; index += 2) ring.writeUInt16LE(random.once(16) ? random.word() & 0xffff : random.once(8) ? random.below(SMALL) : CHAIN * random.below(2), index);
  // Mostly a few requests more than were answered.
  if (!random.once(16)) ring.writeUInt16LE((machine.readGuest(USED + 2, 2) + random.below(4)) & 0xffff, 2);
  machine.writeMemory(AVAILABLE, ring);
}

/** 64-bit code in the guest's memory, so that what it writes arrives; at CPL 0. */
function enterLongMode(machine: FuzzMachine, random: Random): void {
  const { vmcs } = machine.processor;
  do machine.newState(random, true);
  while (((vmcs.get(SEGMENTS[1]!.rights) ?? 0n) & LONG_CODE) === 0n || (vmcs.get(F.rip) ?? 0n) >= CODE_END);
}

/** A driver's work with the disk, right or wrong. */
export function useDisk(machine: FuzzMachine, random: Random): void {
  enterLongMode(machine, random);
  if (random.once(4)) setUp(machine, random);
  fillRings(machine, random);
  write(machine, regions.get("Notify")!, random.once(16) ? random.word() : 0);
}
