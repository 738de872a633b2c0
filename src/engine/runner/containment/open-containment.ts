import { env, platform } from 'node:process';
import { CloudCodeError } from '../../core/errors.ts';
import { openCgroupContainment } from './cgroup-containment.ts';
import type { Containment, ContainmentListener } from './containment.ts';
import { makeRunnerCgroup } from './find-cgroup.ts';
import { openScanContainment } from './scan-containment.ts';
import { messageOf } from '../../core/thrown.ts';

/**
 * Chooses how the runner's workers are held together: by cgroups where the machine allows it (found by trying), else by scanning the processes.
 * `CLOUDCODE_CONTAINMENT` = `cgroup` (an error where it cannot be) or `scan` decides it instead, for machines whose cgroups misbehave.
 * Throws `containment_unavailable` or `wrong_usage`.
 */
export async function openContainment({
  runnerId,
  log = () => undefined,
  ...on
}: { readonly runnerId: string } & Partial<ContainmentListener>): Promise<Containment> {
  const wanted = env['CLOUDCODE_CONTAINMENT'] ?? '';
  if (!['', 'cgroup', 'scan'].includes(wanted)) {
    throw new CloudCodeError('wrong_usage', `CLOUDCODE_CONTAINMENT is "${wanted}".`, {
      hint: 'Set it to cgroup or scan, or leave it out: then CloudCode chooses.',
    });
  }
  if (wanted === 'scan' || (wanted === '' && platform !== 'linux'))
    return openScanContainment({ runnerId, log, ...on });
  try {
    return openCgroupContainment({ folder: await makeRunnerCgroup(runnerId), log, ...on });
  } catch (cause) {
    if (wanted === '') return openScanContainment({ runnerId, log, ...on });
    throw new CloudCodeError('containment_unavailable', `This machine gives CloudCode no cgroup: ${messageOf(cause)}`, {
      hint: 'Leave CLOUDCODE_CONTAINMENT out, or see docs/containment.md for what a service manager or container must allow.',
      cause,
    });
  }
}
