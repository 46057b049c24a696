// `npm run picture -- LOG SVG`: draws a captured run of `npm start` as a picture of a terminal. The same log gives the same picture.

import { readFileSync, writeFileSync } from "node:fs";
import { describeError, UserError } from "../error.ts";
import { tellStory } from "./story.ts";
import { drawTerminal } from "./terminal.ts";

try {
  const [log, picture] = process.argv.slice(2);
  if (log === undefined || picture === undefined) throw new UserError("a log and a picture must be named", "Write `npm run picture -- LOG SVG`; LOG holds the output of `npm start`.");
  writeFileSync(picture, drawTerminal("npm start", tellStory(readLog(log))));
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
}

function readLog(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`${file}: ${error instanceof Error ? error.message : String(error)}`, "Write the output of `npm start` to a file first: npm start > run.log 2>&1");
  }
}
