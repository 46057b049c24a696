import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Device, GSI_SCI, PartitionRequest, PORT_PM1A_CONTROL, PORT_PM1A_EVENT, PORT_PM_TIMER, SLEEP_TYPE_S5 } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, NEVER, type SimulatedPartition, startPartition } from "../harness.ts";

const SLEEP_ENABLE = 1 << 13;
let partition: SimulatedPartition;

beforeEach(async () => {
  partition = await startPartition();
});

describe("ACPI power management", () => {
  test("SLP_EN with the type of S5 asks for power-off, with another type for nothing", () => {
    partition.out16(PORT_PM1A_CONTROL, (1 << 10) | SLEEP_ENABLE);
    expect(partition.request).toBe(PartitionRequest.None);
    partition.out16(PORT_PM1A_CONTROL, (SLEEP_TYPE_S5 << 10) | SLEEP_ENABLE);
    expect(partition.request).toBe(PartitionRequest.PowerOff);
  });

  test("SCI_EN is always set and SLP_EN reads 0", () => {
    partition.out16(PORT_PM1A_CONTROL, (SLEEP_TYPE_S5 << 10) | SLEEP_ENABLE);
    expect(partition.monitor.portRead(0, PORT_PM1A_CONTROL, 2)).toBe((SLEEP_TYPE_S5 << 10) | 1);
  });

  test("PM1_EN keeps its events and PM1_STS reads 0", () => {
    partition.out16(PORT_PM1A_EVENT, 0xffff);
    partition.out16(PORT_PM1A_EVENT + 2, 0xffff);
    expect(partition.in32(PORT_PM1A_EVENT)).toBe(0x0721_0000);
    partition.out8(PORT_PM1A_EVENT + 2, 0);
    expect(partition.in32(PORT_PM1A_EVENT)).toBe(0x0700_0000);
  });

  test("the PM timer counts 3579545 Hz and wraps at 24 bits, as the FADT says", () => {
    expect(partition.in32(PORT_PM_TIMER)).toBe(0);
    partition.tsc += partition.tscFrequency;
    expect(partition.in32(PORT_PM_TIMER)).toBe(3579545);
    partition.tsc += partition.tscFrequency * 100_000n;
    expect(partition.in32(PORT_PM_TIMER)).toBe(Number((3579545n * 100_001n) & 0xff_ffffn));
  });
});

/** ACPI 5.0 4.8.3.1, 4.8.3.3: TMR_STS is set whenever the timer's highest bit changes. */
describe("the PM timer's event", () => {
  const TIMER = 1;
  const SCI_ENTRY = 0x10 + 2 * GSI_SCI;
  const VECTOR = 0x59;
  const changes = (count: bigint) => (count << 23n) * 1_000_000_000n / 3_579_545n + 1n;
  const status = () => partition.in32(PORT_PM1A_EVENT) & 0xffff;
  const clear = () => partition.out16(PORT_PM1A_EVENT, TIMER);
  const enable = (events: number) => partition.out16(PORT_PM1A_EVENT + 2, events);

  beforeEach(() => {
    partition.write32(0xfec0_0000n, SCI_ENTRY);
    partition.write32(0xfec0_0010n, (1 << 15) | VECTOR);
  });

  test("sets TMR_STS at each change of bit 23, without deadline or SCI unless enabled", () => {
    partition.advance(changes(1n) - 1000n);
    expect([partition.in32(PORT_PM_TIMER) >> 23, status()]).toEqual([0, 0]);
    partition.advance(1000n);
    expect([partition.in32(PORT_PM_TIMER) >> 23, status()]).toEqual([1, TIMER]);
    clear();
    expect([status(), partition.deadline(), partition.pendingVector()]).toEqual([0, NEVER, 0]);
    partition.advance(changes(1n));
    expect([partition.in32(PORT_PM_TIMER) >> 23, status()]).toEqual([0, TIMER]);
  });

  test("only a one written clears it; writes of the enable half do not", () => {
    partition.advance(changes(1n));
    enable(0x0100);
    partition.out16(PORT_PM1A_EVENT, 0xfffe);
    partition.out32(PORT_PM1A_EVENT, 0x0100_0000);
    expect(status()).toBe(TIMER);
    partition.out32(PORT_PM1A_EVENT, 0x0100_0001);
    expect(status()).toBe(0);
  });

  test("enabled, the SCI is asserted at the change and until the status is cleared", () => {
    enable(TIMER);
    partition.advance(changes(1n) - 1000n);
    expect(partition.pendingVector()).toBe(0);
    partition.advance(1000n);
    expect([partition.monitor.acknowledge(0), partition.deadline()]).toEqual([VECTOR, NEVER]);
    partition.write32(0xfee0_00b0n, 0);
    expect(partition.monitor.acknowledge(0), "still asserted").toBe(VECTOR);
    clear();
    partition.write32(0xfee0_00b0n, 0);
    expect(partition.pendingVector()).toBe(0);
    partition.advance(changes(1n));
    expect(partition.pendingVector()).toBe(VECTOR);
  });

  test("an event that is set already interrupts when it is enabled, and no longer when disabled", () => {
    partition.advance(changes(1n));
    enable(TIMER);
    expect(partition.monitor.acknowledge(0)).toBe(VECTOR);
    enable(0);
    partition.write32(0xfee0_00b0n, 0);
    expect([partition.pendingVector(), status()]).toEqual([0, TIMER]);
  });

  test("start() forgets it", () => {
    enable(TIMER);
    partition.advance(changes(3n));
    partition.monitor.start();
    expect([partition.in32(PORT_PM1A_EVENT), partition.deadline(), partition.pendingVector()]).toEqual([0, NEVER, 0]);
  });
});

describe("reset", () => {
  test("0xcf9 resets on the rising edge of RST_CPU only", () => {
    partition.out8(0xcf9, 0x02);
    expect(partition.request).toBe(PartitionRequest.None);
    partition.out8(0xcf9, 0x06);
    expect(partition.request).toBe(PartitionRequest.Reset);
    expect(partition.in8(0xcf9)).toBe(0x06);
  });

  test("0x92 resets by bit 0 and keeps A20", () => {
    expect(partition.in8(0x92)).toBe(2);
    partition.out8(0x92, 2);
    expect(partition.request).toBe(PartitionRequest.None);
    partition.out8(0x92, 3);
    expect(partition.request).toBe(PartitionRequest.Reset);
  });

  test("the keyboard controller's FEh resets, A20 commands do not", () => {
    partition.out8(0x64, 0xd1);
    partition.out8(0x64, 0xff);
    expect(partition.request).toBe(PartitionRequest.None);
    partition.out8(0x64, 0xfe);
    expect(partition.request).toBe(PartitionRequest.Reset);
  });

  test("a probe of the keyboard controller finds no room for commands blocked and no end of data", () => {
    expect(partition.in8(0x64) & 2).toBe(0);
    for (let read = 0; read < 20; read++) expect([partition.in8(0x64) & 1, partition.in8(0x60)]).toEqual([1, 0xff]);
  });

  test("start() clears request and devices", () => {
    partition.out8(0xcf9, 0x06);
    partition.monitor.start();
    expect([partition.request, partition.in8(0xcf9)]).toEqual([PartitionRequest.None, 0]);
  });
});

describe("ports that are not granted", () => {
  test("are open bus, quiet ports are not", async () => {
    const bare = await startPartition({ devices: ALL_DEVICES & ~(Device.PowerManagement | Device.Uart) });
    for (const port of [0x600, 0x604, 0x608, 0xcf9, 0x92, 0x64, 0x3f8, 0x8900, 0xf4, 0x2f8]) {
      expect([port, bare.in8(port), bare.status]).toEqual([port, 0xff, AccessStatus.OpenBus]);
      bare.out8(port, 6);
      expect([port, bare.request, bare.status]).toEqual([port, PartitionRequest.None, AccessStatus.OpenBus]);
    }
    for (const port of [0x80, 0x87, 0xed]) {
      bare.out8(port, 1);
      expect([bare.in8(port), bare.status]).toEqual([0xff, AccessStatus.Done]);
    }
  });

  test("reads are masked to their size", () => {
    expect([partition.in8(0x2f8), partition.monitor.portRead(0, 0x2f8, 2), partition.in32(0x2f8)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
  });
});

describe("PCI configuration space", () => {
  test("latches the address for 32-bit accesses and answers ones", () => {
    partition.out8(0xcfb, 1);
    partition.out32(0xcf8, 0x8000_0000);
    expect(partition.in32(0xcf8)).toBe(0x8000_0000);
    expect([partition.in32(0xcfc), partition.monitor.portRead(0, 0xcfe, 2), partition.in8(0xcf8)]).toEqual([0xffff_ffff, 0xffff, 0xff]);
    expect(partition.status).toBe(AccessStatus.Done);
  });
});
