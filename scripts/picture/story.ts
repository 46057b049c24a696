// Picks from the output of a run the lines that tell what happened, in their order.

/** A line as it is drawn; `name` is who said it: a partition, "bulkhead", or null for the command itself. */
export interface StoryLine {
  name: string | null;
  text: string;
}

/** Stands for lines that are left out. */
export const GAP = "⋮";

const ESCAPE_SEQUENCE = /\x1b\[[0-9;?]*[A-Za-z]/g;
const NAMED = /^\[([a-z][a-z0-9-]*)\] (.*)$/;
const COMMAND = /^Booting /;

/** Lines that say much the same again and again, and how many of them stay before the next line of another kind. */
const REPEATED: readonly { pattern: RegExp; kept: number }[] = [
  { pattern: /^clock: tick /, kept: 1 },
  { pattern: /^audit: /, kept: 1 },
  { pattern: /^summary: .*: exits /, kept: 3 },
];

export function tellStory(log: string): StoryLine[] {
  const lines = withoutRepeatedPrompts(log.split("\n").flatMap(readLine));
  const story: StoryLine[] = [];
  let kind: RegExp | null = null;
  let count = 0;
  for (const line of lines) {
    const repeated = REPEATED.find(({ pattern }) => pattern.test(line.text));
    count = repeated !== undefined && repeated.pattern === kind ? count + 1 : 1;
    kind = repeated?.pattern ?? null;
    if (repeated === undefined || count <= repeated.kept) story.push(line);
    else if (story.at(-1)?.text !== GAP) story.push({ name: null, text: GAP });
  }
  return story;
}

function readLine(raw: string): StoryLine[] {
  const text = raw.replace(/\r$/, "").replaceAll(ESCAPE_SEQUENCE, "").trimEnd();
  if (COMMAND.test(text)) return [{ name: null, text }];
  const [, name, said] = NAMED.exec(text) ?? [];
  return name === undefined || said === undefined || said === "" ? [] : [{ name, text: said }];
}

/** A partial line that another partition's line broke is printed again in full: only the full one stays. */
function withoutRepeatedPrompts(lines: StoryLine[]): StoryLine[] {
  return lines.filter((line, index) => {
    const next = lines.slice(index + 1).find(({ name }) => name === line.name);
    return next === undefined || next.text === line.text || !next.text.startsWith(line.text);
  });
}
