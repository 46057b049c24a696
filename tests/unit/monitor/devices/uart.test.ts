import { beforeEach, describe, expect, test } from "vitest";
import { OUTPUT_RING } from "../../../../monitor/interface.ts";
import { NEVER, type SimulatedPartition, startPartition } from "../harness.ts";

const enum Uart { Data = 0x3f8, Ier = 0x3f9, Iir = 0x3fa, Fcr = 0x3fa, Lcr = 0x3fb, Mcr = 0x3fc, Lsr = 0x3fd, Msr = 0x3fe, Scr = 0x3ff }
const VECTOR = 0x44;
let partition: SimulatedPartition;
const send = (text: string) => [...text].forEach((character) => partition.out8(Uart.Data, character.charCodeAt(0)));
const receive = (count: number) => Array.from({ length: count }, () => String.fromCharCode(partition.in8(Uart.Data))).join("");
/** Takes the edge interrupt, if there is one. */
const interrupted = () => {
  const vector = partition.monitor.acknowledge(0);
  if (vector !== 0) partition.write32(0xfee0_00b0n, 0);
  return vector === VECTOR;
};

beforeEach(async () => {
  partition = await startPartition();
  partition.write32(0xfec0_0000n, 0x18);
  partition.write32(0xfec0_0010n, VECTOR);
  partition.out8(Uart.Mcr, 0x0b);
  partition.in8(Uart.Msr);
});

describe("registers", () => {
  test("divisor latch, scratch, and what cannot be written", () => {
    partition.out8(Uart.Lcr, 0x83);
    partition.out8(Uart.Data, 0x34);
    partition.out8(Uart.Ier, 0x12);
    expect([partition.in8(Uart.Data), partition.in8(Uart.Ier), partition.in8(Uart.Lcr)]).toEqual([0x34, 0x12, 0x83]);
    partition.out8(Uart.Lcr, 0x03);
    partition.out8(Uart.Ier, 0xff);
    partition.out8(Uart.Scr, 0x5a);
    partition.out8(Uart.Lsr, 0);
    expect([partition.in8(Uart.Ier), partition.in8(Uart.Scr), partition.in8(Uart.Lsr), partition.takeOutput()]).toEqual([0x0f, 0x5a, 0x60, ""]);
  });

  test("a 16550A with working FIFOs is found", () => {
    expect(partition.in8(Uart.Iir)).toBe(0x01);
    partition.out8(Uart.Fcr, 0x01);
    expect(partition.in8(Uart.Iir)).toBe(0xc1);
    partition.out8(Uart.Fcr, 0x00);
    expect(partition.in8(Uart.Iir)).toBe(0x01);
  });

  test("Linux's loop test of the modem lines", () => {
    partition.out8(Uart.Mcr, 0x1a);
    expect(partition.in8(Uart.Msr) & 0xf0).toBe(0x90);
    partition.out8(Uart.Mcr, 0x0b);
    expect(partition.in8(Uart.Msr) & 0xf0).toBe(0xb0);
  });
});

describe("transmitter", () => {
  test("sends to the output ring", () => {
    send("hello");
    expect([partition.takeOutput(), partition.in8(Uart.Lsr) & 0x60]).toEqual(["hello", 0x60]);
  });

  test("ETBEI raises THRE at once, reading IIR clears it, the next byte raises it again", () => {
    partition.out8(Uart.Ier, 0x02);
    expect([interrupted(), partition.in8(Uart.Iir), partition.in8(Uart.Iir)]).toEqual([true, 0x02, 0x01]);
    send("x");
    expect([interrupted(), partition.in8(Uart.Iir)]).toEqual([true, 0x02]);
  });

  test("the interrupt line needs no OUT2, and is cut off in loop mode", () => {
    partition.out8(Uart.Mcr, 0x1b);
    partition.out8(Uart.Ier, 0x02);
    expect(interrupted()).toBe(false);
    partition.out8(Uart.Mcr, 0);
    expect(interrupted()).toBe(true);
  });

  test("a full ring holds the guest back until the kernel has drained it", () => {
    partition.out8(Uart.Ier, 0x02);
    partition.in8(Uart.Iir);
    interrupted();
    let sent = 0;
    while ((partition.in8(Uart.Lsr) & 0x20) !== 0) {
      send("y");
      sent++;
    }
    expect(sent).toBeGreaterThan(OUTPUT_RING - 17);
    partition.in8(Uart.Iir);
    expect(interrupted()).toBe(true); // of an earlier byte
    partition.advance(partition.ticks(5000));
    expect([interrupted(), partition.in8(Uart.Lsr) & 0x20]).toEqual([false, 0]);
    expect(partition.takeOutput()).toBe("y".repeat(sent));
    partition.advance(partition.ticks(1100));
    expect([interrupted(), partition.in8(Uart.Iir), partition.in8(Uart.Lsr) & 0x20, partition.deadline()]).toEqual([true, 0x02, 0x20, NEVER]);
  });
});

/** What drivers take for granted so that an edge-triggered pin never leaves them waiting (PC16550D data sheet, table III and 8.6). */
describe("no transmitter interrupt is lost", () => {
  test("ETBEI off and on raises it again, though IIR was read or nothing sent", () => {
    for (let round = 0; round < 3; round++) {
      partition.out8(Uart.Ier, 0x02);
      expect([interrupted(), partition.in8(Uart.Iir)]).toEqual([true, 0x02]);
      partition.out8(Uart.Ier, 0x00);
      expect([partition.in8(Uart.Iir), interrupted()]).toEqual([0x01, false]);
    }
  });

  test("a driver that writes THR and never reads IIR gets an edge for each byte", () => {
    partition.out8(Uart.Ier, 0x02);
    for (let byte = 0; byte < 3; byte++) {
      expect(interrupted()).toBe(true);
      send("z");
    }
  });

  test("one that comes while received data are served is left in IIR and asserts again with its next byte", () => {
    partition.out8(Uart.Fcr, 0x01);
    partition.out8(Uart.Ier, 0x03);
    interrupted();
    partition.type("a");
    expect([partition.in8(Uart.Iir), receive(1), partition.in8(Uart.Iir), partition.in8(Uart.Iir)]).toEqual([0xc4, "a", 0xc2, 0xc1]);
    send("b");
    expect(interrupted()).toBe(true);
  });

  test("a console that polls with IER off between interrupts, as Linux's does, leaves one pending", () => {
    partition.out8(Uart.Ier, 0x07);
    expect([interrupted(), partition.in8(Uart.Iir)]).toEqual([true, 0x02]);
    partition.out8(Uart.Ier, 0x00);
    send("polled");
    expect(interrupted()).toBe(false);
    partition.out8(Uart.Ier, 0x07);
    expect([interrupted(), partition.in8(Uart.Iir)]).toEqual([true, 0x02]);
  });

  test("ETBEI set while the ring is full of what came before a reset: raised once it is drained", () => {
    while ((partition.in8(Uart.Lsr) & 0x20) !== 0) send("y");
    partition.monitor.start();
    partition.write32(0xfec0_0000n, 0x18);
    partition.write32(0xfec0_0010n, VECTOR);
    partition.out8(Uart.Mcr, 0x0b);
    partition.out8(Uart.Ier, 0x02);
    expect(interrupted()).toBe(false);
    partition.takeOutput();
    partition.advance(partition.ticks(1100));
    expect([interrupted(), partition.in8(Uart.Iir), partition.deadline()]).toEqual([true, 0x02, NEVER]);
  });

  test("a byte written once the ring has room again leaves no second interrupt behind", () => {
    partition.out8(Uart.Ier, 0x02);
    while ((partition.in8(Uart.Lsr) & 0x20) !== 0) send("y");
    partition.takeOutput();
    send("y");
    expect([partition.in8(Uart.Iir), partition.deadline()]).toEqual([0x02, NEVER]);
  });
});

describe("receiver", () => {
  test("one byte without FIFO, the rest follows", () => {
    partition.type("abc");
    expect(partition.in8(Uart.Lsr) & 1).toBe(1);
    expect([receive(3), partition.in8(Uart.Lsr) & 1]).toEqual(["abc", 0]);
  });

  test("data from the trigger level, timeout below it", () => {
    partition.out8(Uart.Fcr, 0x41); // four bytes
    partition.out8(Uart.Ier, 0x01);
    partition.type("abcde");
    expect([interrupted(), partition.in8(Uart.Iir)]).toEqual([true, 0xc4]);
    expect([receive(2), partition.in8(Uart.Iir)]).toEqual(["ab", 0xcc]);
    expect([receive(3), partition.in8(Uart.Iir)]).toEqual(["cde", 0xc1]);
    partition.type("f");
    expect([interrupted(), partition.in8(Uart.Iir)]).toEqual([true, 0xcc]);
  });

  test("a long paste comes through whole", () => {
    partition.out8(Uart.Fcr, 0xc1);
    const text = Array.from({ length: 200 }, (_, index) => String.fromCharCode(33 + (index % 90))).join("");
    partition.type(text);
    let got = "";
    while ((partition.in8(Uart.Lsr) & 1) !== 0) got += receive(1);
    expect(got).toBe(text);
  });

  test("received data goes before the transmitter", () => {
    partition.out8(Uart.Fcr, 0x01);
    partition.out8(Uart.Ier, 0x03);
    partition.type("a");
    expect(partition.in8(Uart.Iir)).toBe(0xc4);
    receive(1);
    expect(partition.in8(Uart.Iir)).toBe(0xc2);
  });

  test("resetting the FIFO drops what it holds", () => {
    partition.out8(Uart.Fcr, 0x01);
    partition.type("a");
    partition.out8(Uart.Fcr, 0x03);
    expect(partition.in8(Uart.Lsr) & 1).toBe(0);
  });

  test("loop mode receives what it sends, and overruns", () => {
    partition.out8(Uart.Mcr, 0x1b);
    partition.out8(Uart.Ier, 0x04);
    send("ab");
    expect([partition.takeOutput(), partition.in8(Uart.Iir), partition.in8(Uart.Lsr) & 3, partition.in8(Uart.Lsr) & 3]).toEqual(["", 0x06, 3, 1]);
    expect(receive(1)).toBe("a");
  });
});

test("modem status changes interrupt until MSR is read", () => {
  partition.out8(Uart.Ier, 0x08);
  partition.out8(Uart.Mcr, 0x1b); // looped: DSR and CTS stay, DCD stays
  partition.out8(Uart.Mcr, 0x1a); // DSR falls
  expect(partition.in8(Uart.Iir)).toBe(0x00);
  expect([partition.in8(Uart.Msr), partition.in8(Uart.Iir)]).toEqual([0x92, 0x01]);
});

test("start() resets the registers and keeps the rings", () => {
  send("last words");
  partition.out8(Uart.Scr, 1);
  partition.monitor.start();
  expect([partition.in8(Uart.Scr), partition.takeOutput()]).toEqual([0, "last words"]);
});
