// Local APIC: self-IPIs, priorities, errors (SDM 3A 11.5.3, 11.6, 11.8).

import { check, checkTrue } from "../conformance/check";
import { takeInterrupts } from "../runtime/processor";
import { awaitVector, hasVector, Page, readPage, SELF, writePage } from "./page";

const LOW_VECTOR: u32 = 0x45;
const HIGH_VECTOR: u32 = 0x95;
const ERROR_VECTOR: u32 = 0xe1;
const ILLEGAL_VECTOR: u32 = 0x0c;
const RESERVED_REGISTER: u32 = 0x040;

function checkPriorities(): void {
  writePage(Page.TaskPriority, 0x60);
  writePage(Page.CommandLow, SELF | LOW_VECTOR);
  checkTrue("TPR holds a request back", hasVector(Page.Request, LOW_VECTOR));
  writePage(Page.CommandLow, SELF | HIGH_VECTOR);
  awaitVector(HIGH_VECTOR);
  check("TPR lets a higher class through alone", takeInterrupts(LOW_VECTOR), 0);
  writePage(Page.TaskPriority, 0);
  awaitVector(LOW_VECTOR);
  check("ICR reads back", readPage(Page.CommandLow), SELF | HIGH_VECTOR);
}

function checkErrors(): void {
  writePage(Page.LvtError, ERROR_VECTOR);
  writePage(Page.CommandLow, SELF | ILLEGAL_VECTOR);
  awaitVector(ERROR_VECTOR);
  check("ESR before a write", readPage(Page.ErrorStatus), 0);
  writePage(Page.ErrorStatus, 0);
  check("ESR of an illegal vector", readPage(Page.ErrorStatus), 0x60);
  readPage(RESERVED_REGISTER);
  awaitVector(ERROR_VECTOR);
  writePage(Page.ErrorStatus, 0);
  check("ESR of a reserved register", readPage(Page.ErrorStatus), 0x80);
  writePage(Page.ErrorStatus, 0);
  check("ESR is clear", readPage(Page.ErrorStatus), 0);
}

export function checkLocalApic(): void {
  checkPriorities();
  checkErrors();
}
