import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findCgroup } from '../../../../src/engine/runner/containment/find-cgroup.ts';

const unified = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate';
const hybrid = [
  '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw',
  '32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu',
  '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
].join('\n');

describe('the cgroup that a runner is in', () => {
  const cases: Record<string, readonly [mountinfo: string, cgroup: string, expected: string | null]> = {
    'a service of systemd': [
      unified,
      '0::/system.slice/cloudcode.service\n',
      '/sys/fs/cgroup/system.slice/cloudcode.service',
    ],
    'the root': [unified, '0::/\n', '/sys/fs/cgroup/'],
    'version 1 and 2 side by side': [hybrid, '4:memory:/x\n1:cpu:/\n0::/\n', '/sys/fs/cgroup/unified/'],
    'a mount that shows a part only': [
      unified.replace(' / /sys', ' /docker/abc /sys'),
      '0::/docker/abc/inner\n',
      '/sys/fs/cgroup/inner',
    ],
    'a mount that shows another part': [unified.replace(' / /sys', ' /docker/abc /sys'), '0::/docker/abcd\n', null],
    'outside of its namespace': [unified, '0::/../other\n', null],
    'a mount point with a space': [
      unified.replace('/sys/fs/cgroup', '/mnt/my\\040cgroups'),
      '0::/a\n',
      '/mnt/my cgroups/a',
    ],
    'version 1 only': [hybrid.split('\n').slice(0, 2).join('\n'), '1:cpu:/\n', null],
  };
  for (const [what, [mountinfo, cgroup, expected]] of Object.entries(cases)) {
    it(what, () => assert.equal(findCgroup(mountinfo, cgroup), expected));
  }
});
