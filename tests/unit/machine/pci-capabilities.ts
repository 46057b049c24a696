// Capabilities of simulated PCI functions, with the bits that software can change.

import type { SimulatedFunction } from "./pci-function.ts";

export const EXPRESS_TYPE = {
  endpoint: 0, rootPort: 4, upstreamPort: 5, downstreamPort: 6, expressToPci: 7, pciToExpress: 8, integrated: 9,
} as const;

function pair(length: number, fields: [offset: number, size: number, value: number, writable: number][]): [Buffer, Buffer] {
  const body = Buffer.alloc(length);
  const writable = Buffer.alloc(length);
  for (const [offset, size, value, mask] of fields) {
    body.writeUIntLE(value, offset, size);
    writable.writeUIntLE(mask, offset, size);
  }
  return [body, writable];
}

/** PCI Express capability, version 2 unless told; offsets count from the capability + 2. */
export function express(target: SimulatedFunction, type: number, options: { flr?: boolean; version?: number } = {}): SimulatedFunction {
  const version = options.version ?? 2;
  return target.capability(0x10, ...pair(version < 2 ? 0x12 : 0x3a, [
    [0x00, 2, version | (type << 4), 0],
    [0x02, 4, options.flr === true ? 0x1000_0000 : 0, 0],
    [0x06, 2, 0, 0x7fff],
    [0x0e, 2, 0, 0x0fff],
    ...(version < 2 ? [] : [[0x26, 2, 0, 0xffff], [0x2e, 2, 0, 0xffff]] as [number, number, number, number][]),
  ]));
}

export function powerManagement(target: SimulatedFunction, noSoftReset = false): SimulatedFunction {
  return target.capability(0x01, ...pair(6, [[0, 2, 3, 0], [2, 2, noSoftReset ? 8 : 0, 3]]));
}

/** `capabilities`: bit 0 TP, bit 1 FLR. */
export function advancedFeatures(target: SimulatedFunction, capabilities = 3): SimulatedFunction {
  return target.capability(0x13, ...pair(4, [[0, 1, 6, 0], [1, 1, capabilities, 0]]));
}

export function msi(target: SimulatedFunction, options: { wide?: boolean; maskable?: boolean; capable?: number } = {}): SimulatedFunction {
  const wide = options.wide ?? false;
  const maskable = options.maskable ?? false;
  const control = ((options.capable ?? 0) << 1) | (wide ? 0x80 : 0) | (maskable ? 0x100 : 0);
  const data = wide ? 10 : 6;
  return target.capability(0x05, ...pair((wide ? 12 : 8) + (maskable ? 8 : 0), [
    [0, 2, control, 0x71],
    [2, 4, 0, 0xffff_fffc],
    ...(wide ? [[6, 4, 0, 0xffff_ffff]] as [number, number, number, number][] : []),
    [data, 2, 0, 0xffff],
    ...(maskable ? [[data + 4, 4, 0xffff_ffff, 0xffff_ffff]] as [number, number, number, number][] : []),
  ]));
}

/** `place`: offset of the table in its BAR, with the BAR's number in bits 2:0. */
export function msix(target: SimulatedFunction, entries: number, place: number): SimulatedFunction {
  return target.capability(0x11, ...pair(10, [[0, 2, entries - 1, 0xc000], [2, 4, place, 0], [6, 4, place + 0x800, 0]]));
}

/** ACS with these capabilities; `writable` are the control bits that it takes. */
export function accessControl(target: SimulatedFunction, capabilities = 0x1f, writable = 0x7f): SimulatedFunction {
  return target.extended(0x0d, ...pair(4, [[0, 2, capabilities, 0], [2, 2, 0, writable]]));
}

/** ATS with an invalidation queue of `depth` (0 stands for 32). */
export function addressTranslation(target: SimulatedFunction, depth = 0): SimulatedFunction {
  return target.extended(0x0f, ...pair(4, [[0, 2, depth, 0], [2, 2, 0, 0x801f]]));
}

export function pageRequests(target: SimulatedFunction): SimulatedFunction {
  return target.extended(0x13, ...pair(12, [[0, 2, 0, 3]]));
}

export function processAddressSpaces(target: SimulatedFunction): SimulatedFunction {
  return target.extended(0x1b, ...pair(4, [[0, 2, 0x1400, 0], [2, 2, 0, 7]]));
}

export function singleRootVirtualization(target: SimulatedFunction): SimulatedFunction {
  return target.extended(0x10, ...pair(0x3c, [[4, 2, 0, 0x1f]]));
}

/** One control register for each of `bars`. */
export function resizableBars(target: SimulatedFunction, bars: number): SimulatedFunction {
  const fields = Array.from({ length: bars }, (_, i): [number, number, number, number] => [4 + 8 * i, 4, (bars << 5) | i, 0x3f00]);
  return target.extended(0x15, ...pair(8 * bars, fields));
}
