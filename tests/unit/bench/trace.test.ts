import { expect, test } from "vitest";
import { parseTrace, shortestExit } from "../../../scripts/bench/trace.ts";

const HOST_RIP = 0xffffffff8023fa00n;

function line(address: bigint, instruction: string): string {
  return `(0).[5024991] [0x00000023fa00] 0008:${address.toString(16).padStart(16, "0")} (unk. ctxt): ${instruction.padEnd(25)} ; 90`;
}

function exit(cause: string, ...between: string[]): string[] {
  return [line(0x1004acn, cause), line(HOST_RIP, "mov qword ptr gs:0x0000000000000400, rax"), ...between.map((text) => line(HOST_RIP + 9n, text)), line(HOST_RIP + 99n, "vmresume")];
}

test("cuts a trace into exits, from the host's RIP to VMRESUME", () => {
  const trace = [line(HOST_RIP + 50n, "pop rbx"), ...exit("cpuid", "xor eax, eax"), "[bench] bench exit.cpuid 113", ...exit("rdmsr"), ...exit("cpuid"), line(HOST_RIP, "push rbp")];
  const exits = parseTrace(trace.join("\n"), HOST_RIP);
  expect(exits.map(({ cause, steps }) => [cause, steps.length])).toEqual([["cpuid", 3], ["rdmsr", 2], ["cpuid", 2]]);
  expect(exits[0]?.steps[1]).toEqual({ address: HOST_RIP + 9n, text: "xor eax, eax" });
  expect(shortestExit(exits, "cpuid")?.steps).toHaveLength(2);
  expect(shortestExit(exits, "vmcall")).toBeUndefined();
});
