#!/usr/bin/env node
// Starts the command line from a bare clone: plain JavaScript without dependencies. Runs `npm ci` if node_modules is
// missing or does not fit package-lock.json, then hands over to cli.ts.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED_NODE = [20, 19];
const project = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

checkNode();
if (!packagesFit()) installPackages();
const { register } = await import("tsx/esm/api");
register();
await import("./cli.ts");

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > NEEDED_NODE[0] || (major === NEEDED_NODE[0] && minor >= NEEDED_NODE[1])) return;
  fail(`Node.js is ${process.versions.node}`, `Install Node.js ${NEEDED_NODE.join(".")} or later.`);
}

/** True if node_modules holds what package-lock.json asks for. */
function packagesFit() {
  const installedLock = path.join(project, "node_modules/.package-lock.json");
  if (!existsSync(installedLock)) return false;
  const wanted = readPackages(path.join(project, "package-lock.json"));
  const installed = readPackages(installedLock);
  return Object.entries(wanted).every(([name, { version, optional }]) => name === "" || optional || installed[name]?.version === version);
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

function installPackages() {
  process.stderr.write("Installing the npm packages of package-lock.json: node_modules is missing or out of date.\n");
  const { status, error } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: project, stdio: ["ignore", 2, 2] });
  if (error?.code === "ENOENT") fail("npm is missing", "Install npm, which Node.js comes with.");
  if (status !== 0) fail("`npm ci` failed; its messages are above", "Make the npm registry reachable, then run this again.");
}

function fail(message, remedy) {
  process.stderr.write(`error: ${message}\n  remedy: ${remedy}\n`);
  process.exit(1);
}
