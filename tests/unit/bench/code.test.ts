import { expect, test } from "vitest";
import { codeFigures } from "../../../scripts/bench/code.ts";
import { UserError } from "../../../scripts/error.ts";

test("counts kernel and drivers together, the floor, the planner, the monitor and the console apart", () => {
  expect(codeFigures({ kernel: 4000, drivers: 1500, boot: 790, planner: 4000, monitor: 6000, console: 700 })).toEqual([
    { name: "code.typescript", value: 5500, unit: "lines", goal: 6000 },
    { name: "code.native", value: 790, unit: "lines", goal: 800 },
    { name: "code.planner", value: 4000, unit: "lines", goal: null },
    { name: "code.monitor", value: 6000, unit: "lines", goal: null },
    { name: "code.console", value: 700, unit: "lines", goal: null },
  ]);
});

test("refuses a report without one of the folders", () => {
  expect(() => codeFigures({ kernel: 1, boot: 1, monitor: 1 })).toThrow(UserError);
});
