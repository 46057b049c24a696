// Single steps over instructions that exit, and DR7.GD (SDM 3B 18.3.1).

import {
  guardBehindCpuid, stepCpuid, stepGuarded, stepHalt, stepMovSs, stepNop, stepRdmsr, stepVmcall, stepWbinvd, stepWrmsr,
} from "../runtime/debug";
import { hasHypervisor } from "../runtime/hypervisor";
import { check } from "./check";

export function checkDebug(): void {
  check("single step over NOP", stepNop(), 0);
  check("single step over CPUID", stepCpuid(), 0);
  check("single step over RDMSR", stepRdmsr(), 0);
  check("single step over WRMSR", stepWrmsr(), 0);
  check("single step over WBINVD", stepWbinvd(), 0);
  check("single step over HLT", stepHalt(), 0);
  if (hasHypervisor()) check("single step over VMCALL", stepVmcall(), 0);
  check("single step over MOV SS and CPUID", stepMovSs(), 0);
  check("single step with DR7.GD", stepGuarded(), 0);
  check("DR7.GD behind CPUID", guardBehindCpuid(), 0);
}
