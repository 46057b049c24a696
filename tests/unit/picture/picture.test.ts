import { describe, expect, test } from "vitest";
import { GAP, tellStory } from "../../../scripts/picture/story.ts";
import { drawTerminal } from "../../../scripts/picture/terminal.ts";

const log = [
  "> bulkhead@0.1.0 start",
  "Booting demo (linux, clock) on bochs with 2 cores.",
  "[bulkhead] Bulkhead separation kernel\r",
  "[clock] clock: tick 1, late by 42 us",
  "[clock] clock: tick 2, late by 42 us",
  "[clock] clock: tick 3, late by 42 us",
  "[linux] ",
  "[linux] ready",
  "[linux] linux# \x1b[6nuname <a>",
  "[clock] clock: tick 4, late by 42 us",
  "[linux] linux# \x1b[6nuname <a> -s",
].join("\n");

describe("the story of a run", () => {
  test("leaves out npm's lines, repetitions and lines that were printed again in full", () => {
    expect(tellStory(log).map(({ name, text }) => `${name ?? "-"}: ${text}`)).toEqual([
      "-: Booting demo (linux, clock) on bochs with 2 cores.",
      "bulkhead: Bulkhead separation kernel",
      "clock: clock: tick 1, late by 42 us",
      `-: ${GAP}`,
      "linux: ready",
      "clock: clock: tick 4, late by 42 us",
      "linux: linux# uname <a> -s",
    ]);
  });
});

describe("the picture", () => {
  test("is the same for the same log, and well formed", () => {
    const picture = drawTerminal("npm start", tellStory(log));
    expect(drawTerminal("npm start", tellStory(log))).toBe(picture);
    expect(picture).toContain("uname &lt;a&gt; -s");
    expect(picture.match(/<text /g)).toHaveLength(8);
  });

  test("gives each name a colour of its own and cuts long lines", () => {
    const picture = drawTerminal("x", [{ name: "bulkhead", text: "a" }, { name: "linux", text: "b" }, { name: "clock", text: "c".repeat(300) }]);
    const colours = [...picture.matchAll(/<tspan fill="(#[0-9a-f]+)">\[/g)].map(([, colour]) => colour);
    expect(new Set(colours).size).toBe(3);
    expect(picture).toMatch(/c…<\/text>/);
  });
});
