// Ctrl-] gives what is typed to the next partition; so does the end of the partition that has the keyboard.

import { expect, test } from "vitest";
import { typescript, type SystemDescription } from "../../scripts/policy/language.ts";
import { bootSystem } from "./helpers/system.ts";

const SWITCH_KEY = "\x1d";
const TIMEOUT_SECONDS = 60;

const hypercalls: SystemDescription["partitions"][number]["hypercalls"] = ["version", "console-write", "console-read", "power-off", "tsc-frequency"];

const description: SystemDescription = {
  name: "test-keyboard",
  partitions: [
    { name: "first", core: 0, memory: "4 MiB", image: typescript("echo"), hypercalls, keyboard: true },
    { name: "second", core: 1, memory: "4 MiB", image: typescript("echo"), hypercalls },
  ],
};

test("what is typed goes to one partition at a time, and Ctrl-] chooses it", async () => {
  /** What is typed once a line was printed, in this order. */
  const script: [RegExp, string][] = [
    [/^\[second\] echo: listening/, "one\n"],
    [/^\[first\] echo: heard one/, `${SWITCH_KEY}two\n`],
    [/^\[second\] echo: heard two/, `${SWITCH_KEY}three\nend\n`],
    [/^\[bulkhead\] partition first stopped/, "end\n"],
  ];
  const output = await bootSystem(description, {
    timeoutSeconds: TIMEOUT_SECONDS,
    interactive: true,
    onLine: (line, machine) => {
      const [awaited, text] = script[0] ?? [];
      if (awaited?.test(line) !== true || text === undefined) return;
      script.shift();
      machine.write(text);
    },
  });
  expect(output.result.reason).toBe("ended");
  expect(output.of("first")).toEqual(["echo: listening", "echo: heard one", "echo: heard three", "echo: heard end"]);
  expect(output.of("second")).toEqual(["echo: listening", "echo: heard two", "echo: heard end"]);
  expect(output.kernel.filter((line) => line.startsWith("keyboard: "))).toEqual(["keyboard: second", "keyboard: first", "keyboard: second"]);
});
