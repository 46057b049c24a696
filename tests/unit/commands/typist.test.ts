import { expect, it } from "vitest";
import { EndWatch } from "../../../scripts/commands/end-watch.ts";
import { Typist } from "../../../scripts/commands/typist.ts";

it("types one command at each prompt, however the output is cut up", () => {
  const typed: string[] = [];
  const typist = new Typist(["date", "poweroff -f"], (text) => typed.push(text));
  typist.watch(Buffer.from("[linux] lin"));
  typist.watch(Buffer.from("ux# \x1b[6n"));
  expect(typed).toEqual(["date\n"]);
  typist.watch(Buffer.from("date\r\n[linux] Sun Nov 22\r\n"));
  expect(typed).toHaveLength(1);
  typist.watch(Buffer.from("[linux] linux# "));
  expect(typed).toEqual(["date\n", "poweroff -f\n"]);
  expect(typist.done).toBe(true);
});

it("tells a fatal line of the kernel from one that a partition prints", () => {
  const watch = new EndWatch(() => undefined);
  watch.watch(Buffer.from("[linux] [bulkhead] fatal 3 on core 0\r\n"));
  expect(watch.fatal).toBeNull();
  watch.watch(Buffer.from("\r\n[bulkhead] fatal 13 on core 0: broken\r\n"));
  expect(watch.fatal).toBe("[bulkhead] fatal 13 on core 0: broken");
});
