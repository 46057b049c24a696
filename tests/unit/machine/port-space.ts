// I/O ports of the simulated machine. A port that no device has reads all ones, as an empty bus does.

/** Offsets count from the range's first port. */
export interface PortDevice {
  read(offset: number, size: number): number;
  write(offset: number, size: number, value: number): void;
}

export interface PortAccess {
  port: number;
  size: number;
  value: number;
}

export class PortSpace {
  private readonly ranges: { first: number; count: number; device: PortDevice }[] = [];
  /** Every write, in order, whether a device took it or not. */
  readonly writes: PortAccess[] = [];

  /** `onAccess` runs before each access; the machine lets time pass in it. */
  constructor(private readonly onAccess: () => void = () => {}) {}

  add(first: number, count: number, device: PortDevice): void {
    this.ranges.push({ first, count, device });
  }

  read(port: number, size: number): number {
    this.onAccess();
    const range = this.rangeOf(port);
    const ones = 2 ** (size * 8) - 1;
    return range === undefined ? ones : (range.device.read(port - range.first, size) & ones) >>> 0;
  }

  write(port: number, size: number, value: number): void {
    this.onAccess();
    this.writes.push({ port, size, value });
    const range = this.rangeOf(port);
    range?.device.write(port - range.first, size, value);
  }

  /** The `port` imports of kernel.wasm. */
  imports(): Record<string, (...parameters: never[]) => unknown> {
    return {
      in8: (port: number) => this.read(port & 0xffff, 1),
      in16: (port: number) => this.read(port & 0xffff, 2),
      in32: (port: number) => this.read(port & 0xffff, 4),
      out8: (port: number, value: number) => this.write(port & 0xffff, 1, value & 0xff),
      out16: (port: number, value: number) => this.write(port & 0xffff, 2, value & 0xffff),
      out32: (port: number, value: number) => this.write(port & 0xffff, 4, value >>> 0),
    };
  }

  private rangeOf(port: number): { first: number; count: number; device: PortDevice } | undefined {
    return this.ranges.find((range) => port >= range.first && port < range.first + range.count);
  }
}
