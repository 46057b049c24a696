import { beforeAll, describe, expect, test } from "vitest";
import { Device, LOCAL_APIC_BASE, LOW_RESERVED_END, Mailbox, IO_APIC_BASE, PCI_WINDOW_BASE, RSDP_ADDRESS } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, compileParts, Parts } from "../parts.ts";

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function writeTables(devices: number, vcpus = 2, functions = 0, disk = Buffer.alloc(0)): Buffer {
  const parts = new Parts(module, 2 * 1024 * 1024);
  parts.images[3] = disk;
  parts.configure(BigInt(parts.ram.length), 0n, vcpus);
  parts.setDevices(devices);
  parts.mailbox.setUint32(Mailbox.FunctionCount, functions, true);
  parts.exports.writeAcpiTables();
  expect(parts.outOfBounds).toBe(0);
  expect(parts.ram.subarray(0, RSDP_ADDRESS).every((byte) => byte === 0)).toBe(true);
  expect(parts.ram.subarray(LOW_RESERVED_END).every((byte) => byte === 0)).toBe(true);
  return parts.ram;
}

function sum(bytes: Buffer): number {
  return bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
}

/** A table with its checksum tested. */
function tableAt(ram: Buffer, address: number): Buffer {
  const table = ram.subarray(address, address + ram.readUInt32LE(address + 4));
  expect(sum(table)).toBe(0);
  return table;
}

function findTable(ram: Buffer, signature: string): Buffer | undefined {
  const xsdt = tableAt(ram, Number(ram.readBigUInt64LE(RSDP_ADDRESS + 24)));
  expect(xsdt.toString("latin1", 0, 4)).toBe("XSDT");
  for (let entry = 36; entry < xsdt.length; entry += 8) {
    const table = tableAt(ram, Number(xsdt.readBigUInt64LE(entry)));
    if (table.toString("latin1", 0, 4) === signature) return table;
  }
  return undefined;
}

function table(ram: Buffer, signature: string): Buffer {
  const found = findTable(ram, signature);
  if (found === undefined) throw new Error(`no ${signature}`);
  return found;
}

function dsdt(ram: Buffer): Buffer {
  return tableAt(ram, table(ram, "FACP").readUInt32LE(40));
}

function madtStructures(ram: Buffer): Buffer[] {
  const madt = table(ram, "APIC");
  const structures: Buffer[] = [];
  for (let at = 44; at < madt.length; at += madt.readUInt8(at + 1)) structures.push(madt.subarray(at, at + madt.readUInt8(at + 1)));
  return structures;
}

describe("RSDP", () => {
  test("has both checksums and points to the XSDT", () => {
    const rsdp = writeTables(ALL_DEVICES).subarray(RSDP_ADDRESS, RSDP_ADDRESS + 36);
    expect(rsdp.toString("latin1", 0, 8)).toBe("RSD PTR ");
    expect(sum(rsdp.subarray(0, 20))).toBe(0);
    expect(sum(rsdp)).toBe(0);
    expect(rsdp.readUInt8(15)).toBe(2);
  });

  test("points to an RSDT too, with the same tables", () => {
    const ram = writeTables(ALL_DEVICES);
    const rsdt = tableAt(ram, ram.readUInt32LE(RSDP_ADDRESS + 16));
    const xsdt = tableAt(ram, Number(ram.readBigUInt64LE(RSDP_ADDRESS + 24)));
    expect(rsdt.toString("latin1", 0, 4)).toBe("RSDT");
    const entries = [36, 40].map((at) => rsdt.readUInt32LE(at));
    expect(rsdt.length).toBe(44);
    expect(entries).toEqual([36, 44].map((at) => Number(xsdt.readBigUInt64LE(at))));
  });
});

describe("FADT", () => {
  test("names the power-management ports, the SCI and the reset register", () => {
    const fadt = table(writeTables(ALL_DEVICES), "FACP");
    expect(fadt.length).toBe(268);
    expect(fadt.readUInt8(8)).toBe(5);
    expect(fadt.readUInt16LE(46)).toBe(9);
    expect([56, 64, 76].map((at) => fadt.readUInt32LE(at))).toEqual([0x600, 0x604, 0x608]);
    expect([88, 89, 91].map((at) => fadt.readUInt8(at))).toEqual([4, 2, 4]);
    expect([148, 172, 208].map((at) => fadt.subarray(at, at + 12).toString("hex"))).toEqual([
      "012000030006000000000000",
      "011000020406000000000000",
      "012000030806000000000000",
    ]);
    expect(fadt.subarray(116, 129).toString("hex")).toBe("01080001f90c00000000000006");
    expect(fadt.readUInt32LE(112) & (1 << 10)).not.toBe(0);
    expect(fadt.readUInt32LE(112) & (1 << 20)).toBe(0);
  });

  test("says that there is no 8042 and no VGA", () => {
    expect(table(writeTables(ALL_DEVICES), "FACP").readUInt16LE(109)).toBe((1 << 0) | (1 << 2));
    expect(table(writeTables(Device.LocalApic), "FACP").readUInt16LE(109)).toBe((1 << 2) | (1 << 5));
  });

  test("is hardware-reduced without power management", () => {
    const fadt = table(writeTables(Device.LocalApic), "FACP");
    expect(fadt.length).toBe(268);
    expect(fadt.readUInt32LE(112) & (1 << 20)).not.toBe(0);
    expect(fadt.subarray(46, 96).every((byte) => byte === 0)).toBe(true);
    expect(fadt.subarray(148).every((byte) => byte === 0)).toBe(true);
  });

  test("points to a FACS on 64 bytes", () => {
    const ram = writeTables(ALL_DEVICES);
    const address = table(ram, "FACP").readUInt32LE(36);
    expect(address % 64).toBe(0);
    expect(ram.toString("latin1", address, address + 4)).toBe("FACS");
    expect(ram.readUInt32LE(address + 4)).toBe(64);
  });
});

describe("MADT", () => {
  test("lists a local APIC for each vCPU, the I/O APIC and the overrides", () => {
    const ram = writeTables(ALL_DEVICES, 3);
    expect(table(ram, "APIC").readUInt32LE(36)).toBe(LOCAL_APIC_BASE);
    expect(table(ram, "APIC").readUInt32LE(40)).toBe(1);
    const ioApicAddress = Buffer.alloc(4);
    ioApicAddress.writeUInt32LE(IO_APIC_BASE);
    expect(madtStructures(ram).map((structure) => structure.toString("hex"))).toEqual([
      "0008000001000000",
      "0008010101000000",
      "0008020201000000",
      `010c0000${ioApicAddress.toString("hex")}00000000`,
      "020a0000020000000500",
      "020a0009090000000d00",
    ]);
  });

  test("describes only what is granted", () => {
    const ram = writeTables(Device.LocalApic, 1);
    expect(table(ram, "APIC").readUInt32LE(40)).toBe(0);
    expect(madtStructures(ram)).toHaveLength(1);
    expect(findTable(writeTables(Device.Uart), "APIC")).toBeUndefined();
  });
});

test("no table describes a timer that is not there: HPET", () => {
  expect(findTable(writeTables(ALL_DEVICES), "HPET")).toBeUndefined();
});

describe("DSDT", () => {
  test("holds S5, processors, UART and RTC", () => {
    const aml = dsdt(writeTables(ALL_DEVICES)).toString("latin1");
    expect(aml).toContain("\x08_S5_\x12\x4b\x00\x04\x0a\x05\x0a\x05\x0a\x00\x0a\x00");
    expect(aml).toContain("\x08_HID\x0dACPI0007\0");
    expect(aml).toContain("CPU0");
    expect(aml).toContain("CPU1");
    expect(aml).toContain("COM1\x08_HID\x0c\x41\xd0\x05\x01");
    expect(aml).toContain("\x47\x01\xf8\x03\xf8\x03\x01\x08\x22\x10\x00\x79\x00");
    expect(aml).toContain("RTC0\x08_HID\x0c\x41\xd0\x0b\x00");
  });

  test("holds the PCI root with its bus, ports and memory window if there is a function", () => {
    const aml = dsdt(writeTables(ALL_DEVICES, 1, 1));
    const at = aml.indexOf("PCI0", 0, "latin1");
    const packageLength = (aml.readUInt8(at - 2) & 0xf) | (aml.readUInt8(at - 1) << 4);
    expect(aml.toString("hex", at - 4, at)).toMatch(/^5b82/);
    const root = aml.subarray(at - 2, at - 2 + packageLength);
    const [base, last, size] = [PCI_WINDOW_BASE, IO_APIC_BASE - 1, IO_APIC_BASE - PCI_WINDOW_BASE].map((value) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value);
      return bytes.toString("hex");
    });
    const name = (text: string) => `08${Buffer.from(text, "latin1").toString("hex")}`;
    const resources = [
      "880d00020c0000000000000000000100",
      "4701f80cf80c0108",
      "880d00010c0300000000f70c0000f80c",
      "880d00010c030000000dffff000000f3",
      `871700000c0100000000${base}${last}00000000${size}`,
      "7900",
    ].join("");
    // Name, DWord prefix and EISA id; Name and byte; Name and buffer of 84 bytes.
    expect(root.toString("hex", 6)).toBe(`${name("_HID")}0c41d00a03${name("_BBN")}0a00${name("_CRS")}1148050a54${resources}`);
  });

  test("routes pin A of the disk to its GSI, and no pin without one", () => {
    // Name and package of one package of a DWord and three bytes: device 2, pin A, no link device, GSI 10.
    const routes = `08${Buffer.from("_PRT", "latin1").toString("hex")}124201` + "01" + "124e00" + "04" + "0cffff0200" + "0a00" + "0a00" + "0a0a";
    expect(dsdt(writeTables(ALL_DEVICES, 1, 0, Buffer.alloc(512))).toString("hex")).toContain(routes);
    expect(dsdt(writeTables(ALL_DEVICES, 1, 1)).toString("latin1")).not.toContain("_PRT");
  });

  test("holds no PCI root without a function, or without the device", () => {
    expect(dsdt(writeTables(ALL_DEVICES, 1, 0)).toString("latin1")).not.toContain("PCI0");
    expect(dsdt(writeTables(ALL_DEVICES & ~Device.Pci, 1, 1)).toString("latin1")).not.toContain("PCI0");
  });

  test("holds no device that is not granted", () => {
    const aml = dsdt(writeTables(Device.LocalApic, 1)).toString("latin1");
    for (const name of ["_S5_", "COM1", "RTC0", "CPU1"]) expect(aml).not.toContain(name);
  });
});
