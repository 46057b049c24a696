// A terminal as SVG: one row a line, what each partition says in a colour of its own.

import { GAP, type StoryLine } from "./story.ts";

// Pixels.
const FONT_SIZE = 13;
const CHARACTER_WIDTH = 7.83; // of the fonts below at FONT_SIZE
const ROW_HEIGHT = 18;
const MARGIN = 18;
const TITLE_HEIGHT = 34;
const COLUMNS = 120;

const BACKGROUND = "#10151c";
const TITLE_BACKGROUND = "#1c2530";
const DIM = "#7d8a99";
const TEXT = "#d5dde6";
const KERNEL_COLOUR = "#f0b429";
const PARTITION_COLOURS: readonly string[] = ["#58a6ff", "#56d364", "#d2a8ff", "#ff9bce", "#79e0d4"];
const FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace";

/** Draws the lines below a title that names the command. */
export function drawTerminal(command: string, lines: readonly StoryLine[]): string {
  const width = Math.ceil(2 * MARGIN + COLUMNS * CHARACTER_WIDTH);
  const height = TITLE_HEIGHT + 2 * MARGIN + lines.length * ROW_HEIGHT;
  const colours = assignColours(lines);
  const rows = lines.map((line, index) => drawRow(line, TITLE_HEIGHT + MARGIN + (index + 0.75) * ROW_HEIGHT, colours));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${FONTS}" font-size="${FONT_SIZE}">`,
    `<title>${escape(command)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>`,
    `<path d="M0 ${TITLE_HEIGHT}V8a8 8 0 0 1 8-8H${width - 8}a8 8 0 0 1 8 8V${TITLE_HEIGHT}z" fill="${TITLE_BACKGROUND}"/>`,
    `<text x="${MARGIN}" y="22" fill="${DIM}">$ <tspan fill="${TEXT}">${escape(command)}</tspan></text>`,
    ...rows,
    "</svg>",
    "",
  ].join("\n");
}

/** The kernel's colour is fixed; partitions take theirs in the order in which they are first heard. */
function assignColours(lines: readonly StoryLine[]): Map<string, string> {
  const colours = new Map([["bulkhead", KERNEL_COLOUR]]);
  for (const { name } of lines) {
    if (name === null || colours.has(name)) continue;
    colours.set(name, PARTITION_COLOURS[(colours.size - 1) % PARTITION_COLOURS.length] ?? TEXT);
  }
  return colours;
}

function drawRow({ name, text }: StoryLine, y: number, colours: ReadonlyMap<string, string>): string {
  const prefix = name === null ? "" : `[${name}] `;
  const room = COLUMNS - prefix.length;
  const shown = text.length <= room ? text : `${text.slice(0, room - 1)}…`;
  const label = name === null ? "" : `<tspan fill="${colours.get(name) ?? TEXT}">${escape(prefix)}</tspan>`;
  return `<text x="${MARGIN}" y="${y}" fill="${name === null || text === GAP ? DIM : TEXT}" xml:space="preserve">${label}${escape(shown)}</text>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
